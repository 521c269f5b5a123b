-- One row per coupon for more than one invoice, and type of item that it is for; of one on the whole invoice, none.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
coupons as (
    select *
    from {{ ref('chargebee_airbyte__coupon') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

recurring as (
    select
        coupons.source_name,
        coupons.id,
        coupons.discount_type = 'fixed_amount' as is_amount,
        coupons.discount_percentage as percentage,
        {{ major_units('coupons.discount_amount', 'currency_exponents.exponent') }} as amount,
        coalesce(coupons.apply_on, 'invoice_amount') = 'each_specified_item' as is_for_items,
        coupons.item_constraints
    from coupons
    left join currency_exponents on upper(coupons.currency_code) = currency_exponents.currency
    where coalesce(coupons.duration_type, 'forever') <> 'one_time'
),

targets as (
    select
        source_name,
        id,
        {{ json_elements('item_constraints') }} as item_constraint
    from recurring
    where is_for_items
)

select
    source_name,
    id,
    is_amount,
    percentage,
    amount,
    cast(null as varchar) as item_type,
    cast(null as json) as item_price_ids
from recurring
where not is_for_items
union all
select
    recurring.source_name,
    recurring.id,
    recurring.is_amount,
    recurring.percentage,
    recurring.amount,
    {{ json_value('targets.item_constraint', 'item_type') }} as item_type,
    case
        when {{ json_value('targets.item_constraint', 'constraint') }} = 'specific'
            then {{ json_value('targets.item_constraint', 'item_price_ids', 'json') }}
    end as item_price_ids
from recurring
inner join targets on recurring.source_name = targets.source_name and recurring.id = targets.id
where {{ json_value('targets.item_constraint', 'constraint') }} <> 'none'
