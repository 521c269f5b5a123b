-- One row per source and raw table: what was read. Snapshots are known to the end of their newest month.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

select
    source_name,
    'subscriptions' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    0 as rows_deleted,
    count(*) filter (where coalesce(mrr, 0) <= 0) as rows_never_started,
    {{ first_instant('cast(' ~ dbt.dateadd('month', 1, 'max(' ~ snapshot_month() ~ ')') ~ ' as timestamp)') }}
        as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('month_snapshots__month_snapshots') }}
group by source_name
union all
select
    source_name,
    'customers' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    0 as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('month_snapshots__customers') }}
group by source_name
