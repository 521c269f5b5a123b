-- One row per recurring price of an item, and per other price that a subscription has paid for it.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
prices as (select * from {{ ref('chargebee_airbyte__prices') }}),

other_prices as (
    select distinct
        source_name,
        plan_id,
        item_price_id,
        price,
        currency_code,
        billing_interval,
        billing_interval_count
    from {{ ref('chargebee_airbyte__items') }}
    where plan_id <> item_price_id
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
    other_prices.source_name,
    other_prices.plan_id,
    coalesce(prices.plan_name, other_prices.item_price_id) as plan_name,
    coalesce(prices.product, other_prices.item_price_id) as product,
    cast(null as integer) as tier,
    other_prices.price,
    other_prices.currency_code as currency,
    other_prices.billing_interval,
    other_prices.billing_interval_count
from other_prices
left join prices
    on other_prices.source_name = prices.source_name and other_prices.item_price_id = prices.plan_id
