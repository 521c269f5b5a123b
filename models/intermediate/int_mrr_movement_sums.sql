-- One row per grain, period, movement type, combination of customer attributes and plans at the opening and closing:
-- the customers who moved so, and their MRR before and after. Without a type where only the plan changed.

with

customer_periods as (

    select
        *,
        movement_type = 'churn'
        and {{ dbt.datediff('first_paid_date', 'churned_on', 'day') }} < {{ var('new_customer_days') }}
            as is_lost_while_new

    from {{ ref('int_customer_mrr_periods') }}
    where movement_type is not null or opening_plan_id <> closing_plan_id

),

movement_sums as (

    select
        period_grain,
        period_start_date,
        movement_type,
        country,
        acquisition_channel,
        plan_id,
        opening_plan_id,
        closing_plan_id,
        count(*) as customers,
        sum(cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer)) as paying_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        cast(sum(opening_mrr) as decimal(38, 6)) as opening_mrr,
        cast(sum(closing_mrr) as decimal(38, 6)) as closing_mrr,
        cast(sum(closing_mrr - opening_mrr) as decimal(38, 6)) as mrr_change,
        cast(coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as decimal(38, 6)) as mrr_lost_while_new

    from customer_periods
    group by
        period_grain,
        period_start_date,
        movement_type,
        country,
        acquisition_channel,
        plan_id,
        opening_plan_id,
        closing_plan_id

)

select * from movement_sums
