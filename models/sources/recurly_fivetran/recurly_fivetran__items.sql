-- One row per version of a subscription and what it bills: the plan, and all add-ons together, if there are any.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('recurly_fivetran__versions') }}),

prices as (select * from {{ ref('recurly_fivetran__prices') }}),

priced as (
    select
        versions.source_name,
        versions.id as subscription_id,
        versions.version_number,
        coalesce(prices.plan_id, versions.plan_id) as list_plan_id,
        prices.price as list_price,
        cast(coalesce(versions.unit_amount, prices.price) as decimal(28, 10)) as price,
        cast(coalesce(versions.quantity, 1) as bigint) as quantity,
        cast(versions.add_ons_total as decimal(28, 10)) as add_ons_total
    from versions
    left join prices
        on versions.source_name = prices.source_name
            and versions.plan_id = prices.id
            and upper(versions.currency) = prices.currency
)

select
    source_name,
    subscription_id,
    version_number,
    list_plan_id,
    false as is_add_ons,
    case
        when price = list_price then list_plan_id else list_plan_id || '@' || {{ plain_number('price') }}
    end as plan_id,
    price,
    quantity
from priced
union all
select
    source_name,
    subscription_id,
    version_number,
    list_plan_id,
    true as is_add_ons,
    list_plan_id || '/add_ons@' || {{ plain_number('add_ons_total') }} as plan_id,
    add_ons_total as price,
    1 as quantity
from priced
where add_ons_total > 0
