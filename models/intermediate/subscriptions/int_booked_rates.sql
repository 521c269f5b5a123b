-- One row per subscription and plan in a currency other than the reporting currency: the rate that the subscription
-- keeps, that of the business date on which it first started. No row where there is no rate on or before it.

with
subscriptions as (
    select
        subscription_id,
        plan_id,
        {{ business_date('started_at') }} as start_date
    from {{ ref('stg_subscriptions') }}
    where ended_at is null or ended_at > started_at
),

foreign_plans as (select * from {{ ref('int_plans') }} where currency <> {{ reporting_currency() }}),

foreign_subscriptions as (
    select distinct
        subscriptions.subscription_id,
        foreign_plans.plan_id,
        foreign_plans.currency
    from subscriptions
    inner join foreign_plans using (plan_id)
),

first_starts as (
    select
        foreign_subscriptions.subscription_id,
        foreign_subscriptions.plan_id,
        foreign_subscriptions.currency,
        min(subscriptions.start_date) as first_start_date
    from foreign_subscriptions
    inner join subscriptions using (subscription_id)
    group by foreign_subscriptions.subscription_id, foreign_subscriptions.plan_id, foreign_subscriptions.currency
),

booked_rates as (
    select
        first_starts.subscription_id,
        first_starts.plan_id,
        rates.rate as booked_rate
    from first_starts
    inner join {{ ref('int_exchange_rates') }} as rates
        on
            first_starts.currency = rates.currency
            and first_starts.first_start_date = rates.date_day
)

select * from booked_rates
