-- One row per subscription and instant of a cancellation request on paid stretches before as_of_date, with what became
-- of it.
-- Several stretches carry a request on where terms change after it: the terms are those at the request, the outcome is
-- that of the last of them.

with
paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

-- Of subscriptions that carry a request alone, since they are few.
stretches as (
    select
        *,
        {{ business_date('cancel_requested_at') }} as request_date,
        lead(start_date) over (partition by subscription_key order by started_at) as next_start_date
    from paid_stretches
    where
        subscription_key in (
            select carrying.subscription_key
            from paid_stretches as carrying
            where carrying.cancel_requested_at is not null
        )
),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

-- The stretch that is live at the request comes first, else the first that carries it.
carrying_stretches as (
    select
        stretches.*,
        row_number() over (
            partition by stretches.subscription_key, stretches.cancel_requested_at
            order by
                case
                    when stretches.cancel_requested_at < stretches.started_at then 1
                    when stretches.cancel_requested_at >= stretches.ended_at then 1
                    else 0
                end asc,
                stretches.started_at asc
        ) as terms_rank,
        row_number() over (
            partition by stretches.subscription_key, stretches.cancel_requested_at
            order by stretches.started_at desc
        ) as outcome_rank
    from stretches
    inner join as_of_date on stretches.request_date < as_of_date.as_of_date
),

-- Stretches of one subscription do not overlap: the next one starts at the end or after it.
outcomes as (
    select
        subscription_key,
        cancel_requested_at,
        stretch_key as outcome_stretch_key,
        end_date as outcome_date,
        case
            when end_date is null then 'pending'
            when next_start_date = end_date then 'withdrawn'
            else 'effective'
        end as outcome
    from carrying_stretches
    where outcome_rank = 1
),

requests as (
    select
        carrying_stretches.stretch_key,
        carrying_stretches.subscription_key,
        carrying_stretches.cancel_requested_at,
        carrying_stretches.customer_key,
        carrying_stretches.combination_id,
        carrying_stretches.request_date,
        carrying_stretches.mrr,
        outcomes.outcome,
        outcomes.outcome_date,
        outcomes.outcome_stretch_key
    from carrying_stretches
    inner join outcomes using (subscription_key, cancel_requested_at)
    where carrying_stretches.terms_rank = 1
)

select * from requests
