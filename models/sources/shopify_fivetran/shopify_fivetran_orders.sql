-- One row per order of the shop, in the shop's currency; test orders and deleted ones left out. What the two connectors
-- call differently, REST and GraphQL, is one here.

{{ config(enabled = 'shopify_fivetran' in types_in_use(), materialized = 'table') }}

with
orders as (
    select
        source_name,
        id as order_id,
        customer_id,
        coalesce(processed_at, created_at) as ordered_at,
        cancelled_at,
        coalesce(display_financial_status, financial_status) as financial_status,
        coalesce(total_price_set_shop_amount, total_price) as total,
        coalesce(total_tax_set_shop_amount, total_tax, 0) as tax,
        coalesce(total_price_set_shop_currency_code, currency_code, currency) as currency,
        coalesce(shipping_address_country_code, billing_address_country_code) as country
    from {{ ref('shopify_fivetran__order') }}
    where not coalesce(test, false) and not coalesce(_fivetran_deleted, false)
),

refunds as (
    select
        source_name,
        order_id,
        sum(total_refunded_set_shop_amount) as refunded
    from {{ ref('shopify_fivetran__refund') }}
    group by source_name, order_id
),

refund_payments as (
    select
        source_name,
        order_id,
        sum(coalesce(amount_set_shop_amount, amount)) as refunded
    from {{ ref('shopify_fivetran__transaction') }}
    where lower(kind) = 'refund' and lower(status) = 'success' and not coalesce(test, false)
    group by source_name, order_id
)

select
    source_name,
    order_id,
    orders.customer_id,
    orders.ordered_at,
    {{ shopify_status('orders.cancelled_at', 'orders.financial_status') }} as status,
    orders.total - orders.tax as amount,
    {{ without_tax('coalesce(refunds.refunded, refund_payments.refunded, 0)', 'orders.total', 'orders.tax') }}
        as refunded_amount,
    orders.currency,
    orders.country
from orders
left join refunds using (source_name, order_id)
left join refund_payments using (source_name, order_id)
