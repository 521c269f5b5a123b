-- One row per subscription stretch of positive length that started before as_of_date, with its MRR.
-- An end at or after as_of_date is not known yet: it is null here, an open end.

with

subscriptions as (select * from {{ ref('stg_subscriptions') }}),

plans as (select * from {{ ref('stg_plans') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

dated_stretches as (

    select
        subscriptions.*,
        {{ business_date('subscriptions.started_at') }} as start_date,
        {{ business_date('subscriptions.ended_at') }} as end_date

    from subscriptions
    where subscriptions.ended_at is null or subscriptions.ended_at > subscriptions.started_at

),

known_stretches as (

    select
        dated_stretches.*,
        coalesce(dated_stretches.end_date < as_of_date.as_of_date, false) as has_ended

    from dated_stretches
    inner join as_of_date
        on dated_stretches.start_date < as_of_date.as_of_date

),

-- Prices and discounts as whole numbers of 1e-8, because products of whole numbers are exact.
yearly_prices as (

    select
        known_stretches.*,
        plans.billing_interval_count,
        cast(plans.price * 100000000 as decimal(38, 0))
        * known_stretches.quantity
        * cast((100 - known_stretches.discount_percent) * 100000000 as decimal(38, 0))
        * case plans.billing_interval
            when 'day' then 365
            when 'week' then 52
            when 'month' then 12
            when 'year' then 1
        end as yearly_price

    from known_stretches
    left join plans
        on known_stretches.plan_id = plans.plan_id

),

-- The divisor takes back the per cent, the two scales but for the millionths asked for, and the year.
priced_stretches as (

    select
        subscription_id,
        customer_id,
        plan_id,
        status,
        started_at,
        start_date,
        case when has_ended then ended_at end as ended_at,
        case when has_ended then end_date end as end_date,
        case
            when status in ('active', 'past_due')
                then {{ millionths('yearly_price', '(12 * 100 * 10000000000 * billing_interval_count)') }}
            else 0
        end as mrr

    from yearly_prices

)

select * from priced_stretches
