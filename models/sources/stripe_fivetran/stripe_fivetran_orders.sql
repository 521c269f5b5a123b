-- One row per charge that is no payment of a subscription, without tax. With the var subscription_invoices_are_orders
-- the payments of subscriptions are orders, too.

{{ config(
    enabled = 'stripe_fivetran' in types_in_use(),
    materialized = 'table',
    pre_hook = "{{ refuse(payments_like_orders()) }}"
) }}

with
charges as (
    select
        charges.*,
        coalesce(charges.invoice_id, unnamed_invoices.invoice_id) as paid_invoice_id
    from {{ ref('stripe_fivetran__charge') }} as charges
    left join {{ ref('stripe_fivetran__unnamed_invoices') }} as unnamed_invoices
        on charges.source_name = unnamed_invoices.source_name and charges.id = unnamed_invoices.charge_id
    where coalesce(charges.livemode, true)
),

invoices as (
    select * from {{ ref('stripe_fivetran__invoice') }}
    where subscription_id is null or {{ var('subscription_invoices_are_orders') }}
),

exponents as (select * from {{ ref('currency_exponents') }}),

orders as (
    select
        charges.*,
        coalesce(invoices.total, charges.amount) as total,
        invoices.tax,
        {{ major_units('charges.amount', 'exponents.exponent') }} as paid,
        {{ major_units('coalesce(charges.amount_refunded, 0)', 'exponents.exponent') }} as refunded
    from charges
    left join invoices on charges.source_name = invoices.source_name and charges.paid_invoice_id = invoices.id
    left join exponents on upper(charges.currency) = exponents.currency
    where invoices.id is not null or charges.paid_invoice_id is null
)

select
    source_name,
    id as order_id,
    customer_id,
    created as ordered_at,
    case
        when status <> 'succeeded' then status
        when not coalesce(captured, true) then 'uncaptured'
        when amount_refunded >= amount then 'refunded'
        else 'completed'
    end as status,
    case when tax > 0 then {{ without_tax('paid', 'total', 'tax') }} else paid end as amount,
    case when tax > 0 then {{ without_tax('refunded', 'total', 'tax') }} else refunded end as refunded_amount,
    currency
from orders
