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
        *,
        price_id as plan_id
    from prices
    union all by name
    select
        prices.* exclude (price),
        billed_plans.price,
        billed_plans.plan_id
    from billed_plans
    inner join prices using (source_name, price_id)
)

select
    source_name,
    plan_id,
    plan_name,
    product,
    null as tier,
    price,
    currency,
    billing_interval,
    billing_interval_count
from plans
