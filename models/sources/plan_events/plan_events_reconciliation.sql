-- One row per source and raw table: what was read. A log that does not say when it was loaded is known to its last
-- event.

{{ config(enabled = 'plan_events' in types_in_use()) }}

select
    source_name,
    'subscriptions' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    0 as rows_deleted,
    0 as rows_never_started,
    coalesce(max(loaded_at), max({{ dbt.dateadd('day', 1, instant('occurred_at')) }})) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('plan_events__plan_events') }}
group by source_name
union all
select
    source_name,
    'plans' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    0 as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('plan_events__plans') }}
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
from {{ ref('plan_events__customers') }}
group by source_name
