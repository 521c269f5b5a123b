-- One row per order of the shop, test orders left out.

{{ config(enabled = 'shopify_csv' in types_in_use(), materialized = 'table') }}

with
lines as (select * from {{ ref('shopify_csv__orders_export') }}),

-- Further items of an order are lines without a total; overlapping exports repeat an order.
orders as (
    select
        *,
        coalesce(id, name) as order_id
    from lines
    where total is not null and coalesce(lower(payment_method), '') not like '%bogus gateway%'
    window exports as (partition by source_name, coalesce(id, name) order by refunded_amount desc, cancelled_at asc)
    qualify row_number() over exports = 1
)

select
    source_name,
    order_id,
    {{ address_id('email') }} as customer_id,
    created_at as ordered_at,
    {{ shopify_status('cancelled_at', 'financial_status') }} as status,
    total - coalesce(taxes, 0) as amount,
    {{ without_tax('coalesce(refunded_amount, 0)', 'total', 'coalesce(taxes, 0)') }} as refunded_amount,
    currency,
    shipping_country
from orders
