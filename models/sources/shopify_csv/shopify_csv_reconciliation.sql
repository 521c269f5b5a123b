-- One row per source and raw table: what was read of the vendor's tables, and why some of it was set aside.

{{ config(enabled = 'shopify_csv' in types_in_use()) }}

with
lines as (
    select
        *,
        coalesce(lower(payment_method), '') like '%bogus gateway%' as is_test
    from {{ ref('shopify_csv__orders_export') }}
    where total is not null
)

select
    source_name,
    'orders' as raw_table,
    count(*) as rows_read,
    count(*) filter (where is_test) as rows_test,
    0 as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from lines
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
from {{ ref('shopify_csv__customers_export') }}
group by source_name
