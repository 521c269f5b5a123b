-- One row per subscription that ever had a coupon and stretch of time with the same ones, without gaps: what per cent
-- of its price they leave, and the amount that they take off after that.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
subscriptions as (select * from {{ ref('stripe_fivetran__spans') }} where is_last),

coupons as (select * from {{ ref('stripe_fivetran__coupon') }} where duration <> 'once'),

exponents as (select * from {{ ref('currency_exponents') }}),

discounts as (
    select
        *,
        start as begins_at,
        "end" as ends_at
    from {{ ref('stripe_fivetran__subscription_discount') }}
    where invoice_id is null and invoice_item_id is null
    qualify row_number() over (partition by source_name, subscription_id, id order by loaded_at desc, ends_at asc) = 1
),

-- What was there when a subscription was made holds from its start on, which may lie before.
redeemed as (
    select
        source_name,
        subscription_id,
        case
            when discounts.begins_at <= {{ dbt.dateadd('minute', 1, 'subscriptions.subscription_created_at') }}
                then least(discounts.begins_at, subscriptions.subscription_started_at)
            else discounts.begins_at
        end as begins_at,
        coalesce(
            discounts.ends_at,
            case
                when coupons.duration = 'repeating'
                    then {{ dbt.dateadd('month', 'coupons.duration_in_months', 'discounts.begins_at') }}
            end,
            {{ open_end() }}
        ) as ends_at,
        coupons.percent_off,
        {{ major_units('coupons.amount_off', 'exponents.exponent') }} as amount_off
    from discounts
    inner join subscriptions using (source_name, subscription_id)
    inner join coupons on discounts.source_name = coupons.source_name and discounts.coupon_id = coupons.id
    left join exponents on upper(coupons.currency) = exponents.currency
),

instants as (
    select
        source_name,
        subscription_id,
        begins_at as started_at
    from redeemed
    union
    select
        source_name,
        subscription_id,
        ends_at as started_at
    from redeemed
    union
    select
        source_name,
        subscription_id,
        cast('1970-01-01' as timestamp) as started_at
    from redeemed
),

stretches as (
    select
        *,
        lead(started_at, 1, {{ open_end() }}) over (
            partition by source_name, subscription_id order by started_at
        ) as ended_at
    from instants
)

select
    stretches.source_name,
    stretches.subscription_id,
    stretches.started_at,
    stretches.ended_at,
    {{ rounded('100 * coalesce(product(1 - redeemed.percent_off / 100), 1)', 10) }} as percent_left,
    coalesce(sum(redeemed.amount_off), 0) as amount_off
from stretches
left join redeemed
    on
        stretches.source_name = redeemed.source_name
        and stretches.subscription_id = redeemed.subscription_id
        and stretches.started_at < redeemed.ends_at
        and stretches.ended_at > redeemed.begins_at
where stretches.started_at < stretches.ended_at
group by stretches.source_name, stretches.subscription_id, stretches.started_at, stretches.ended_at
