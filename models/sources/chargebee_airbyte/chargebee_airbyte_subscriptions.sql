-- One row per recurring item of a subscription and stretch of unchanged terms.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
segments as (select * from {{ ref('chargebee_airbyte__segments') }}),

discounts as (select * from {{ ref('chargebee_airbyte__discounts') }}),

discounted as (
    select
        segments.source_name,
        segments.subscription_id,
        segments.started_at,
        {{ discounts_at_once('discounts.discount_percent', 'discounts.is_amount') }} as discount_percent
    from segments
    inner join discounts
        on segments.source_name = discounts.source_name
            and segments.version_of = discounts.subscription_id
            and segments.version_number = discounts.version_number
            and segments.item_price_id = discounts.item_price_id
            and coalesce(segments.started_at >= discounts.given_from, true)
            and coalesce(segments.started_at < discounts.given_until, true)
    where discounts.discount_percent is not null
    group by segments.source_name, segments.subscription_id, segments.started_at
),

told as (
    select
        source_name,
        subscription_id,
        segments.customer_id,
        segments.plan_id,
        segments.status,
        segments.quantity,
        coalesce(discounted.discount_percent, 0) as discount_percent,
        started_at,
        segments.ended_at,
        segments.requested_at,
        segments.end_reason,
        segments.is_last
    from segments
    left join discounted using (source_name, subscription_id, started_at)
)

select * from {{ stretches_with_ends('told') }} as stretches
