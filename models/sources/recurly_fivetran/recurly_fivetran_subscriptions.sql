-- One row per subscription, or its add-ons, and stretch of unchanged terms.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
segments as (
    select
        *,
        (sum(amount) over (partition by source_name, account_id, currency, status, started_at)) as amount_of_all
    from {{ ref('recurly_fivetran__segments') }}
),

redemptions as (select * from {{ ref('recurly_fivetran__redemptions') }}),

reduced as (
    select
        segments.source_name,
        segments.subscription_id,
        segments.started_at,
        redemptions.is_amount,
        case
            when redemptions.is_amount then {{ percent_off('redemptions.amount', 'segments.amount_of_all') }}
            else redemptions.percentage
        end as discount_percent
    from segments
    inner join redemptions using (source_name, account_id)
    where segments.started_at >= redemptions.given_from
        and coalesce(segments.started_at < redemptions.given_until, true)
        and (not redemptions.is_amount or segments.currency = redemptions.currency)
),

discounted as (
    select
        source_name,
        subscription_id,
        started_at,
        {{ discounts_at_once('discount_percent', 'is_amount') }} as discount_percent
    from reduced
    where discount_percent is not null
    group by source_name, subscription_id, started_at
),

told as (
    select
        source_name,
        subscription_id,
        segments.account_id as customer_id,
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
