-- One row per version of a subscription and recurring item in it: plan, price and quantity. A price that depends on the
-- quantity, or a quantity that is no whole number, is what all of it costs, once.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('chargebee_airbyte__versions') }}),

prices as (select * from {{ ref('chargebee_airbyte__prices') }}),

charges as (
    select
        source_name,
        id
    from {{ ref('chargebee_airbyte__item_price') }}
    where item_type = 'charge'
    union
    select
        source_name,
        id
    from {{ ref('chargebee_airbyte__addon') }}
    where charge_type = 'non_recurring'
),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

listed as (
    select
        source_name,
        subscription_id,
        version_number,
        currency_code,
        billing_period,
        billing_period_unit,
        {{ json_elements('items') }} as item
    from versions
),

named as (
    select
        *,
        coalesce({{ json_value('item', 'item_price_id') }}, {{ json_value('item', 'id') }}) as item_price_id,
        coalesce({{ json_value('item', 'item_type') }}, 'addon') as item_type,
        {{ json_value('item', 'quantity', 'decimal(28, 10)') }} as quantity,
        {{ json_value('item', 'quantity_in_decimal', 'decimal(28, 10)') }} as quantity_in_decimal,
        {{ json_value('item', 'free_quantity', 'decimal(28, 10)') }} as free_quantity,
        {{ json_value('item', 'unit_price', 'decimal(28, 10)') }} as unit_price,
        {{ json_value('item', 'unit_price_in_decimal', 'decimal(28, 10)') }} as unit_price_in_decimal,
        {{ json_value('item', 'amount', 'decimal(28, 10)') }} as amount,
        {{ json_value('item', 'amount_in_decimal', 'decimal(28, 10)') }} as amount_in_decimal
    from listed
),

in_major_units as (
    select
        named.source_name,
        named.subscription_id,
        named.version_number,
        named.item_price_id,
        named.item_type = 'plan' as is_plan,
        named.currency_code,
        prices.price as list_price,
        coalesce(prices.billing_interval, named.billing_period_unit) as billing_interval,
        coalesce(prices.billing_interval_count, cast(named.billing_period as integer)) as billing_interval_count,
        coalesce(
            named.unit_price_in_decimal,
            {{ major_units('named.unit_price', 'currency_exponents.exponent') }},
            prices.price
        ) as unit_price,
        coalesce(named.amount_in_decimal, {{ major_units('named.amount', 'currency_exponents.exponent') }}) as amount,
        case
            when prices.is_in_mrr is false then 0
            when named.quantity_in_decimal is null
                then greatest(coalesce(named.quantity, 1) - coalesce(named.free_quantity, 0), 0)
        end as units,
        named.quantity_in_decimal
    from named
    left join prices on named.source_name = prices.source_name and named.item_price_id = prices.plan_id
    left join currency_exponents on named.currency_code = currency_exponents.currency
    where named.item_type <> 'charge' and (named.source_name, named.item_price_id) not in (from charges)
),

priced as (
    select
        *,
        case
            when units = 0 or units * unit_price = coalesce(amount, units * unit_price) then unit_price
            else coalesce(amount, cast(quantity_in_decimal * unit_price as decimal(28, 10)))
        end as price,
        case when units = 0 or units * unit_price = coalesce(amount, units * unit_price) then units else 1 end
            as quantity
    from in_major_units
)

select
    source_name,
    subscription_id,
    version_number,
    item_price_id,
    is_plan,
    case
        when price = list_price then item_price_id else item_price_id || '@' || {{ plain_number('price') }}
    end as plan_id,
    price,
    cast(quantity as bigint) as quantity,
    cast(price * quantity as decimal(28, 10)) as amount,
    currency_code,
    billing_interval,
    billing_interval_count
from priced
