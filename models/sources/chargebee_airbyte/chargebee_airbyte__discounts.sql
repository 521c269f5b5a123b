-- One row per version of a subscription, item and discount that lowers its price for more than one invoice: as a
-- percentage of the item's price, from when to when.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('chargebee_airbyte__versions') }}),

coupons as (select * from {{ ref('chargebee_airbyte__recurring_coupons') }}),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

items as (
    select
        *,
        (sum(amount) over (partition by source_name, subscription_id, version_number)) as amount_of_all
    from {{ ref('chargebee_airbyte__items') }}
),

redeemed as (
    select
        source_name,
        subscription_id,
        version_number,
        valid_from,
        {{ json_elements('coupons') }} as coupon
    from versions
),

granted as (
    select
        source_name,
        subscription_id,
        version_number,
        currency_code,
        {{ json_elements('discounts') }} as discount
    from versions
),

discounts as (
    select
        redeemed.source_name,
        redeemed.subscription_id,
        redeemed.version_number,
        coupons.is_amount,
        coupons.percentage,
        coupons.amount,
        redeemed.valid_from as given_from,
        {{ json_value('redeemed.coupon', 'apply_till', 'timestamp') }} as given_until,
        coupons.item_type,
        coupons.item_price_ids
    from redeemed
    inner join coupons
        on redeemed.source_name = coupons.source_name
            and {{ json_value('redeemed.coupon', 'coupon_id') }} = coupons.id
    union all
    select
        granted.source_name,
        granted.subscription_id,
        granted.version_number,
        {{ json_value('granted.discount', 'type') }} = 'fixed_amount' as is_amount,
        {{ json_value('granted.discount', 'percentage', 'decimal(28, 10)') }} as percentage,
        {{ major_units(json_value('granted.discount', 'amount', 'decimal(28, 10)'), 'currency_exponents.exponent') }}
            as amount,
        {{ json_value('granted.discount', 'created_at', 'timestamp') }} as given_from,
        {{ json_value('granted.discount', 'apply_till', 'timestamp') }} as given_until,
        cast(null as varchar) as item_type,
        case
            when {{ json_value('granted.discount', 'item_price_id') }} is not null
                then json_array({{ json_value('granted.discount', 'item_price_id') }})
        end as item_price_ids
    from granted
    left join currency_exponents on granted.currency_code = currency_exponents.currency
    -- A discount that names a coupon is that coupon, which is among the coupons.
    where {{ json_value('granted.discount', 'coupon_id') }} is null
        and coalesce({{ json_value('granted.discount', 'included_in_mrr', 'boolean') }}, true)
        and coalesce({{ json_value('granted.discount', 'duration_type') }}, 'forever') <> 'one_time'
)

select
    items.source_name,
    items.subscription_id,
    items.version_number,
    items.item_price_id,
    discounts.is_amount,
    case
        when not discounts.is_amount then discounts.percentage
        when discounts.item_type is null and discounts.item_price_ids is null
            then {{ percent_off('discounts.amount', 'items.amount_of_all') }}
        else {{ percent_off('discounts.amount', 'items.amount') }}
    end as discount_percent,
    discounts.given_from,
    discounts.given_until
from items
inner join discounts using (source_name, subscription_id, version_number)
where (discounts.item_type is null or discounts.item_type = case when items.is_plan then 'plan' else 'addon' end)
    and (discounts.item_price_ids is null or json_contains(discounts.item_price_ids, to_json(items.item_price_id)))
