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

{{ rows_read('orders', 'lines', test='is_test') }}
union all
{{ rows_read('customers', ref('shopify_csv__customers_export')) }}
