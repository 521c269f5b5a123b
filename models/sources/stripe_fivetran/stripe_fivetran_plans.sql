-- One row per recurring price, and per price that invoices bill at another amount than its own.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
prices as (select * from {{ ref('stripe_fivetran__prices') }}),

billed_plans as (
    select distinct
        source_name,
        price_id,
        plan_id,
        price
    from {{ ref('stripe_fivetran__terms') }}
    where plan_id <> price_id
),

plans as (
    select
        source_name,
        price_id,
        price_id as plan_id,
        price
    from prices
    union all
    select
        source_name,
        price_id,
        plan_id,
        price
    from billed_plans
)

select
    plans.source_name,
    plans.plan_id,
    prices.plan_name,
    prices.product,
    null as tier,
    plans.price,
    prices.currency,
    prices.billing_interval,
    prices.billing_interval_count
from plans
inner join prices using (source_name, price_id)
