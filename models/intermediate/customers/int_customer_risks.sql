-- One row per customer who is neither a prospect nor lapsed, or has lapsed but paused a subscription: the signs that
-- they may leave.

with
lifecycle_ledger as (
    select *
    from {{ ref('int_lifecycle_ledger') }}
    where next_stage_date is null and stage_after <> 'prospect'
),

subscription_signals as (select * from {{ ref('int_subscription_signals') }}),

customer_orders as (select * from {{ ref('int_customer_orders') }}),

customer_activity as (select * from {{ ref('int_customer_activity') }}),

signs as (
    select
        lifecycle_ledger.customer_key,
        lifecycle_ledger.stage_after,
        coalesce(subscription_signals.has_cancellation_scheduled, false) as has_cancellation_scheduled,
        coalesce(subscription_signals.is_past_due, false) as is_past_due,
        coalesce(subscription_signals.is_paused, false) as is_paused,
        -- Days since the last order > 2 x days between the first and the last / gaps, without the division.
        coalesce(
            customer_orders.orders > 1
            and customer_orders.days_since_last_order * (customer_orders.orders - 1)
            > 2 * customer_orders.days_from_first_to_last_order,
            false
        ) as is_silent_for_longer_than_usual,
        coalesce(2 * customer_activity.events_last_30_days < customer_activity.events_previous_30_days, false)
            as has_activity_halved,
        coalesce(
            customer_orders.revenue_previous_90_days > 0
            and 2 * customer_orders.revenue_last_90_days < customer_orders.revenue_previous_90_days,
            false
        ) as has_spend_halved
    from lifecycle_ledger
    left join subscription_signals using (customer_key)
    left join customer_orders using (customer_key)
    left join customer_activity using (customer_key)
),

risks as (
    select
        customer_key,
        has_cancellation_scheduled
        or is_past_due
        or is_paused
        or is_silent_for_longer_than_usual
        or has_activity_halved
        or has_spend_halved as is_at_risk,
        nullif(
            substring(
                case when has_cancellation_scheduled then ', cancellation scheduled' else '' end
                || case when is_past_due then ', past due' else '' end
                || case when is_paused then ', paused' else '' end
                || case when is_silent_for_longer_than_usual then ', silent for longer than usual' else '' end
                || case when has_activity_halved then ', activity halved' else '' end
                || case when has_spend_halved then ', spend halved' else '' end,
                3
            ),
            ''
        ) as risk_reasons
    from signs
    where stage_after <> 'lapsed' or is_paused
)

select * from risks
