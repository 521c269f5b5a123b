-- One row per customer with a live stretch: what their live stretches say about what may happen next.

with
live_stretches as (select * from {{ ref('int_mrr_stretches') }} where ended_at is null),

as_of_date as (
    select
        as_of_date,
        {{ instant('as_of_date') }} as as_of_at
    from {{ ref('int_as_of_date') }}
),

plans as (select * from {{ ref('stg_plans') }}),

ending_subscriptions as (
    select distinct subscription_id
    from live_stretches
    where scheduled_end_at is not null
),

-- Later starts count for one thing only: whether a scheduled end is one, or a change of terms.
starts as (
    select
        subscriptions.subscription_id,
        subscriptions.plan_id,
        subscriptions.quantity,
        subscriptions.discount_percent,
        subscriptions.amount,
        subscriptions.started_at
    from {{ ref('stg_subscriptions') }} as subscriptions
    inner join ending_subscriptions using (subscription_id)
    where
        subscriptions.status in ('active', 'past_due')
        and (subscriptions.ended_at is null or subscriptions.ended_at > subscriptions.started_at)
),

-- Pricing is slow: each combination of terms is priced once.
terms as (
    select distinct
        plan_id,
        quantity,
        discount_percent,
        amount
    from starts
),

-- What is paid is a matter of the rounded MRR here, too, in the currency of the plan: a later start has no rate yet.
paid_terms as (
    select terms.*
    from terms
    inner join plans using (plan_id)
    where {{ monthly_amount('plans', 'terms.quantity', 'terms.discount_percent', 'terms.amount') }} > 0
),

paid_starts as (
    select
        starts.subscription_id,
        max(starts.started_at) as last_paid_start_at
    from starts
    inner join paid_terms
        on
            starts.plan_id = paid_terms.plan_id
            and starts.quantity = paid_terms.quantity
            and starts.discount_percent = paid_terms.discount_percent
            and starts.amount is not distinct from paid_terms.amount
    group by starts.subscription_id
),

stretch_signals as (
    select
        live_stretches.customer_key,
        live_stretches.mrr > 0
        and (
            coalesce(
                {{ business_date('live_stretches.cancel_requested_at') }} < as_of_date.as_of_date,
                false
            )
            or (
                -- An end in a far year stands for none.
                coalesce(live_stretches.scheduled_end_at < cast('2200-01-01' as timestamp), false)
                and coalesce(paid_starts.last_paid_start_at < live_stretches.scheduled_end_at, true)
            )
        ) as has_cancellation_scheduled,
        live_stretches.status = 'past_due' as is_past_due,
        live_stretches.status = 'paused' as is_paused,
        live_stretches.is_trial
        and coalesce(
            live_stretches.scheduled_end_at <= {{ dbt.dateadd('hour', 72, 'as_of_date.as_of_at') }},
            false
        ) as trial_ends_within_72_hours,
        live_stretches.is_trial
        and coalesce(
            live_stretches.scheduled_end_at <= {{ dbt.dateadd('hour', 24, 'as_of_date.as_of_at') }},
            false
        ) as trial_ends_within_24_hours
    from live_stretches
    cross join as_of_date
    left join paid_starts using (subscription_id)
),

signals as (
    select
        customer_key,
        bool_or(has_cancellation_scheduled) as has_cancellation_scheduled,
        bool_or(is_past_due) as is_past_due,
        bool_or(is_paused) as is_paused,
        bool_or(trial_ends_within_72_hours) as trial_ends_within_72_hours,
        bool_or(trial_ends_within_24_hours) as trial_ends_within_24_hours
    from stretch_signals
    group by customer_key
)

select * from signals
