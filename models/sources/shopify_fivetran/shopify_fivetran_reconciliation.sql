-- One row per source and raw table: what was read of the vendor's tables, and why some of it was set aside.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

{{ rows_read(
    'orders', ref('shopify_fivetran__order'), test='test', deleted='_fivetran_deleted and not coalesce(test, false)'
) }}
union all
{{ rows_read('customers', ref('shopify_fivetran__customer')) }}
