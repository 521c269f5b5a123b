-- One row per plan and currency, and per other price or sum of add-ons that a subscription has paid for it.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

with
prices as (select * from {{ ref('recurly_fivetran__prices') }}),

other_prices as (
    select distinct
        source_name,
        list_plan_id,
        plan_id,
        price,
        is_add_ons
    from {{ ref('recurly_fivetran__items') }}
    where plan_id <> list_plan_id
)

select
    source_name,
    plan_id,
    plan_name,
    product,
    cast(null as integer) as tier,
    price,
    currency,
    billing_interval,
    billing_interval_count
from prices
union all
select
    prices.source_name,
    other_prices.plan_id,
    prices.plan_name || case when other_prices.is_add_ons then ', add-ons' else '' end as plan_name,
    prices.product,
    cast(null as integer) as tier,
    other_prices.price,
    prices.currency,
    prices.billing_interval,
    prices.billing_interval_count
from other_prices
inner join prices
    on other_prices.source_name = prices.source_name and other_prices.list_plan_id = prices.plan_id
