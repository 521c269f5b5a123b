-- One row per source and raw table: what was read of the vendor's tables, and why some of it was set aside.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

select
    source_name,
    'orders' as raw_table,
    count(*) as rows_read,
    count(*) filter (where test) as rows_test,
    count(*) filter (where _fivetran_deleted and not coalesce(test, false)) as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('shopify_fivetran__order') }}
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
from {{ ref('shopify_fivetran__customer') }}
group by source_name
