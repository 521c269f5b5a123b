-- One row per recurring price of an item, or plan or add-on of the first catalog, in major units.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
item_prices as (select * from {{ ref('chargebee_airbyte__item_price') }}),

items as (select * from {{ ref('chargebee_airbyte__item') }}),

plans as (select * from {{ ref('chargebee_airbyte__plan') }}),

addons as (select * from {{ ref('chargebee_airbyte__addon') }}),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

latest_items as (
    select *
    from items
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

delivered as (
    select
        item_prices.source_name,
        item_prices.loaded_at,
        item_prices.updated_at,
        item_prices.id,
        coalesce(item_prices.external_name, item_prices.name, item_prices.id) as plan_name,
        coalesce(latest_items.name, item_prices.item_id) as product,
        item_prices.price,
        item_prices.price_in_decimal,
        item_prices.currency_code,
        item_prices.period_unit,
        item_prices.period,
        not coalesce(latest_items.metered, false) and coalesce(latest_items.included_in_mrr, true) as is_in_mrr
    from item_prices
    left join latest_items
        on item_prices.source_name = latest_items.source_name and item_prices.item_id = latest_items.id
    where item_prices.item_type in ('plan', 'addon')
    union all
    select
        source_name,
        loaded_at,
        updated_at,
        id,
        coalesce(invoice_name, name, id) as plan_name,
        name as product,
        price,
        price_in_decimal,
        currency_code,
        period_unit,
        period,
        true as is_in_mrr
    from plans
    union all
    select
        source_name,
        loaded_at,
        updated_at,
        id,
        coalesce(invoice_name, name, id) as plan_name,
        name as product,
        price,
        price_in_decimal,
        currency_code,
        period_unit,
        period,
        coalesce(included_in_mrr, true) as is_in_mrr
    from addons
    where coalesce(charge_type, 'recurring') = 'recurring'
)

select
    delivered.source_name,
    delivered.id as plan_id,
    delivered.plan_name,
    delivered.product,
    coalesce(
        delivered.price_in_decimal, {{ major_units('delivered.price', 'currency_exponents.exponent') }}, 0
    ) as price,
    upper(delivered.currency_code) as currency,
    delivered.period_unit as billing_interval,
    cast(delivered.period as integer) as billing_interval_count,
    delivered.is_in_mrr
from delivered
left join currency_exponents on upper(delivered.currency_code) = currency_exponents.currency
qualify row_number() over (
        partition by delivered.source_name, delivered.id order by delivered.updated_at desc, delivered.loaded_at desc
    ) = 1
