-- One row per charge that is no payment of a subscription, without tax. With the var subscription_invoices_are_orders
-- the payments of subscriptions are orders, too.

{{ config(
    enabled = 'stripe_fivetran' in types_in_use(),
    materialized = 'table',
    pre_hook = "{{ refuse(payments_like_orders()) }}"
) }}

with
charges as (select * from {{ ref('stripe_fivetran__charge') }} where coalesce(livemode, true)),

invoices as (
    select * from {{ ref('stripe_fivetran__invoice') }}
    where subscription_id is null or {{ var('subscription_invoices_are_orders') }}
),

unnamed_invoices as (select * from {{ ref('stripe_fivetran__unnamed_invoices') }}),

exponents as (select * from {{ ref('currency_exponents') }}),

paid_invoices as (
    select
        charges.*,
        invoices.total,
        invoices.tax
    from charges
    inner join invoices on charges.source_name = invoices.source_name and charges.invoice_id = invoices.id
    union all by name
    select
        charges.*,
        unnamed_invoices.total,
        unnamed_invoices.tax
    from charges
    left join unnamed_invoices
        on charges.source_name = unnamed_invoices.source_name and charges.id = unnamed_invoices.charge_id
    where charges.invoice_id is null
        and (unnamed_invoices.subscription_id is null or {{ var('subscription_invoices_are_orders') }})
),

orders as (
    select
        paid_invoices.* exclude (total),
        coalesce(paid_invoices.total, paid_invoices.amount) as total,
        {{ major_units('paid_invoices.amount', 'exponents.exponent') }} as paid,
        {{ major_units('coalesce(paid_invoices.amount_refunded, 0)', 'exponents.exponent') }} as refunded
    from paid_invoices
    left join exponents on upper(paid_invoices.currency) = exponents.currency
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
