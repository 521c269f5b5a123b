-- One row per trial: a subscription that has been trialing, and was not paid before. When it began, and whether and
-- when it became paid.

with
stretches as (select * from {{ ref('int_mrr_stretches') }}),

plans as (select * from {{ ref('int_plans') }}),

trialing_stretches as (
    select
        *,
        row_number() over (partition by subscription_key order by started_at) as stretch_number,
        sum(case when ended_at is null then 1 else 0 end) over (partition by subscription_key) as running_stretches
    from stretches
    where is_trial
),

trials as (
    select
        trialing_stretches.*,
        plans.product_key
    from trialing_stretches
    inner join plans using (plan_key)
    where trialing_stretches.stretch_number = 1
),

-- Who tries one subscription and pays for another of the same product has been won all the same.
conversions as (
    select
        trials.stretch_key,
        min(stretches.start_date) as converted_date
    from trials
    inner join stretches
        on
            trials.customer_key = stretches.customer_key
            and trials.started_at <= stretches.started_at
    inner join plans
        on
            stretches.plan_key = plans.plan_key
            and trials.product_key = plans.product_key
    where stretches.mrr > 0
    group by trials.stretch_key
),

followed_trials as (
    select
        trials.stretch_key,
        trials.combination_id,
        trials.start_date,
        conversions.converted_date,
        case
            when conversions.converted_date is not null then 'converted'
            when trials.running_stretches > 0 then 'pending'
            else 'abandoned'
        end as trial_outcome,
        coalesce(
            conversions.converted_date <= {{ dbt.dateadd('day', var('trial_conversion_days'), 'trials.start_date') }},
            false
        ) as is_converted_in_time
    from trials
    left join conversions using (stretch_key)
)

select * from followed_trials
