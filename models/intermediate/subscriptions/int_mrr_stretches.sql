-- One row per subscription stretch of positive length that started before as_of_date, with its MRR.
-- An end at or after as_of_date is not known yet: it is null here, an open end.

with
subscriptions as (select * from {{ ref('stg_subscriptions') }}),

customers as (select * from {{ ref('int_customers') }}),

plans as (select * from {{ ref('int_plans') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

dated_stretches as (
    select
        *,
        {{ business_date('subscriptions.started_at') }} as start_date,
        {{ business_date('subscriptions.ended_at') }} as end_date
    from subscriptions
    where subscriptions.ended_at is null or subscriptions.ended_at > subscriptions.started_at
),

-- Numbered by the order of subscription and start, so that equal input gives equal keys.
known_stretches as (
    select
        dated_stretches.*,
        row_number() over (
            order by {{ byte_order('dated_stretches.subscription_id') }}, dated_stretches.started_at
        ) as stretch_key,
        dense_rank() over (order by {{ byte_order('dated_stretches.subscription_id') }}) as subscription_key,
        booked_rates.booked_rate,
        coalesce(dated_stretches.end_date < as_of_date.as_of_date, false) as has_ended
    from dated_stretches
    inner join as_of_date on dated_stretches.start_date < as_of_date.as_of_date
    left join {{ ref('int_booked_rates') }} as booked_rates using (subscription_id, plan_id)
),

-- Each combination of terms is priced once: in the currency of the plan, and booked in the reporting currency.
terms as (
    select distinct
        plan_id,
        quantity,
        discount_percent,
        amount,
        booked_rate
    from known_stretches
),

priced_terms as (
    select
        terms.*,
        plans.plan_key,
        plans.currency,
        {{ monthly_amount('plans', 'terms.quantity', 'terms.discount_percent', 'terms.amount') }} as currency_mrr,
        {{ monthly_amount(
            'plans', 'terms.quantity', 'terms.discount_percent', 'terms.amount', rate='terms.booked_rate'
        ) }} as booked_mrr
    from terms
    left join plans using (plan_id)
),

priced_stretches as (
    select
        known_stretches.stretch_key,
        known_stretches.subscription_key,
        known_stretches.subscription_id,
        customers.customer_key,
        customers.combination_id,
        priced_terms.plan_key,
        known_stretches.quantity,
        known_stretches.discount_percent,
        known_stretches.status,
        known_stretches.started_at,
        known_stretches.start_date,
        case when known_stretches.has_ended then known_stretches.ended_at end as ended_at,
        case when known_stretches.has_ended then known_stretches.end_date end as end_date,
        known_stretches.ended_at as scheduled_end_at,
        known_stretches.cancel_requested_at,
        known_stretches.end_reason,
        priced_terms.currency,
        priced_terms.booked_rate,
        priced_terms.currency_mrr,
        -- What is free needs no rate.
        case
            when known_stretches.status not in ('active', 'past_due') then 0
            when priced_terms.booked_mrr is null and priced_terms.currency_mrr = 0 then 0
            else priced_terms.booked_mrr
        end as mrr
    from known_stretches
    inner join priced_terms
        on
            known_stretches.plan_id = priced_terms.plan_id
            and known_stretches.quantity = priced_terms.quantity
            and known_stretches.discount_percent = priced_terms.discount_percent
            and known_stretches.amount is not distinct from priced_terms.amount
            and known_stretches.booked_rate is not distinct from priced_terms.booked_rate
    inner join customers using (customer_id)
),

first_paid_starts as (
    select
        subscription_key,
        min(started_at) as first_paid_at
    from priced_stretches
    where mrr > 0
    group by subscription_key
),

-- What a subscription has for free once it was paid is no trial.
stretches as (
    select
        priced_stretches.*,
        priced_stretches.status = 'trialing'
        and coalesce(priced_stretches.started_at < first_paid_starts.first_paid_at, true) as is_trial
    from priced_stretches
    left join first_paid_starts using (subscription_key)
)

select * from stretches
