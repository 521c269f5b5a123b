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
        coalesce(segments.ended_at, {{ open_end() }}) as ended_at,
        case when segments.requested_at < coalesce(segments.ended_at, {{ open_end() }}) then segments.requested_at end
            as cancel_requested_at,
        segments.requested_at,
        segments.end_reason,
        segments.is_last
    from segments
    left join discounted using (source_name, subscription_id, started_at)
),

merged as (
    select *
    from {{ merged_stretches(
        'told',
        ['source_name', 'subscription_id'],
        ['customer_id', 'plan_id', 'status', 'quantity', 'discount_percent', 'cancel_requested_at']
    ) }} as merged
),

endings as (select * from told where is_last)

select
    source_name,
    subscription_id,
    merged.customer_id,
    merged.plan_id,
    merged.status,
    merged.quantity,
    merged.discount_percent,
    merged.started_at,
    nullif(ended_at, {{ open_end() }}) as ended_at,
    -- A request that is as late as the end was made at once.
    coalesce(merged.cancel_requested_at, endings.requested_at) as cancel_requested_at,
    endings.end_reason,
    cast(null as decimal(38, 10)) as amount
from merged
left join endings using (source_name, subscription_id, ended_at)
