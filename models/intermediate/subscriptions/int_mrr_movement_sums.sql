-- One row per breakdown, period, and what the breakdown distinguishes: by customer attributes, movement type and
-- combination of attributes; by plan, movement type and plan; by plan change, combination of attributes and the plans
-- at the opening and the closing. The customers who moved so, and their MRR before and after.

with
customer_periods as (
    select
        *,
        case when opening_plan_key <> closing_plan_key then opening_plan_key end as from_plan_key,
        case when opening_plan_key <> closing_plan_key then closing_plan_key end as to_plan_key,
        movement_type = 'churn'
        and {{ dbt.datediff('first_paid_date', 'churned_on', 'day') }} < {{ var('new_customer_days') }}
            as is_lost_while_new
    from {{ ref('int_customer_mrr_periods') }}
),

movement_sums as (
    select
        case
            when grouping(plan_key) = 0 then 'plan'
            when grouping(from_plan_key) = 0 then 'plan_change'
            else 'attributes'
        end as breakdown,
        period_id,
        movement_type,
        combination_id,
        plan_key,
        from_plan_key,
        to_plan_key,
        count(*) as customers,
        sum(cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer)) as paying_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        cast(sum(opening_mrr) as decimal(38, 6)) as opening_mrr,
        cast(sum(closing_mrr) as decimal(38, 6)) as closing_mrr,
        cast(coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as decimal(38, 6)) as mrr_lost_while_new
    from customer_periods
    group by
        grouping sets (
            (period_id, movement_type, combination_id),
            (period_id, movement_type, plan_key),
            (period_id, combination_id, from_plan_key, to_plan_key)
        )
    -- Of customers whose MRR and plan stay as they are there is nothing to tell.
    having movement_type is not null or from_plan_key is not null
)

select * from movement_sums
