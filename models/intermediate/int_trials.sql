-- One row per trial: a subscription that has been trialing. When it began, and whether and when it became paid.

with
stretches as (select * from {{ ref('int_mrr_stretches') }}),

customers as (select * from {{ ref('stg_customers') }}),

trialing_stretches as (
    select
        *,
        row_number() over (partition by subscription_id order by started_at) as stretch_number,
        sum(case when ended_at is null then 1 else 0 end) over (partition by subscription_id) as running_stretches
    from stretches
    where status = 'trialing'
),

trials as (select * from trialing_stretches where stretch_number = 1),

-- Who tries one subscription and pays for another of the same product has been won all the same.
conversions as (
    select
        trials.subscription_id,
        min(stretches.start_date) as converted_date
    from trials
    inner join stretches
        on
            trials.customer_id = stretches.customer_id
            and trials.product = stretches.product
            and trials.started_at <= stretches.started_at
    where stretches.mrr > 0
    group by trials.subscription_id
),

followed_trials as (
    select
        trials.subscription_id,
        trials.customer_id,
        trials.product,
        trials.started_at,
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
        ) as is_converted_in_time,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel
    from trials
    left join conversions using (subscription_id)
    left join customers using (customer_id)
)

select * from followed_trials
