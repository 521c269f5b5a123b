-- One row per recurring price, older plans that are no price included; those no longer sold are kept.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
prices as (
    select
        source_name,
        id as price_id,
        nickname,
        product_id,
        currency,
        coalesce(unit_amount_decimal, unit_amount) as unit_amount,
        billing_scheme,
        recurring_interval as billing_interval,
        recurring_interval_count as billing_interval_count,
        recurring_usage_type as usage_type,
        transform_quantity_divide_by as package_size,
        transform_quantity_round as package_rounding,
        1 as preference
    from {{ ref('stripe_fivetran__price') }}
    where coalesce(livemode, true) and coalesce(type, 'recurring') = 'recurring'
    union all
    select
        source_name,
        id as price_id,
        nickname,
        product_id,
        currency,
        amount as unit_amount,
        billing_scheme,
        interval as billing_interval,
        interval_count as billing_interval_count,
        usage_type,
        transform_usage_divide_by as package_size,
        transform_usage_round as package_rounding,
        2 as preference
    from {{ ref('stripe_fivetran__plan') }}
    where coalesce(livemode, true)
),

-- A price is a plan, too, under the same id.
each_once as (
    select *
    from prices
    qualify row_number() over (partition by source_name, price_id order by preference) = 1
),

products as (select * from {{ ref('stripe_fivetran__product') }}),

exponents as (select * from {{ ref('currency_exponents') }})

select
    each_once.source_name,
    each_once.price_id,
    coalesce(each_once.nickname, products.name, each_once.price_id) as plan_name,
    products.name as product,
    upper(each_once.currency) as currency,
    coalesce(exponents.exponent, 2) as exponent,
    case
        when each_once.billing_scheme = 'tiered' then 0
        else coalesce({{ major_units('each_once.unit_amount', 'exponents.exponent') }}, 0)
    end as price,
    each_once.billing_interval,
    coalesce(each_once.billing_interval_count, 1) as billing_interval_count,
    coalesce(each_once.usage_type, '') = 'metered' as is_metered,
    coalesce(each_once.billing_scheme, '') = 'tiered' as is_tiered,
    each_once.package_size,
    each_once.package_rounding
from each_once
left join products on each_once.source_name = products.source_name and each_once.product_id = products.id
left join exponents on upper(each_once.currency) = exponents.currency
