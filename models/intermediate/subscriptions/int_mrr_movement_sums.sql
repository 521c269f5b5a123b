-- One row per breakdown, period, and what the breakdown distinguishes: by customer attributes, movement type and
-- combination of attributes; by plan, movement type and plan; by plan change, combination of attributes and the plans
-- at the opening and the closing. The customers who moved so, and their MRR before and after.

with
customer_periods as (
    select
        *,
        cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer) as paying_change,
        movement_type = 'churn'
        and {{ dbt.datediff('first_paid_date', 'churned_on', 'day') }} < {{ var('new_customer_days') }}
            as is_lost_while_new
    from {{ ref('int_customer_mrr_periods') }}
),

-- Customers whose MRR and plan stay as they are have moved nothing.
movement_sums as (
    select
        'attributes' as breakdown,
        period_id,
        movement_type,
        combination_id,
        null as plan_key,
        null as from_plan_key,
        null as to_plan_key,
        count(*) as customers,
        sum(paying_change) as paying_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as mrr_lost_while_new
    from customer_periods
    where movement_type is not null
    group by period_id, movement_type, combination_id
    union all
    select
        'plan' as breakdown,
        period_id,
        movement_type,
        null as combination_id,
        plan_key,
        null as from_plan_key,
        null as to_plan_key,
        count(*) as customers,
        sum(paying_change) as paying_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as mrr_lost_while_new
    from customer_periods
    where movement_type is not null
    group by period_id, movement_type, plan_key
    union all
    select
        'plan_change' as breakdown,
        period_id,
        null as movement_type,
        combination_id,
        null as plan_key,
        opening_plan_key as from_plan_key,
        closing_plan_key as to_plan_key,
        count(*) as customers,
        sum(paying_change) as paying_change,
        0 as customers_lost_while_new,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr,
        0 as mrr_lost_while_new
    from customer_periods
    where opening_plan_key <> closing_plan_key
    group by period_id, combination_id, opening_plan_key, closing_plan_key
),

typed_sums as (
    select
        breakdown,
        period_id,
        movement_type,
        combination_id,
        plan_key,
        from_plan_key,
        to_plan_key,
        cast(customers as bigint) as customers,
        cast(paying_change as bigint) as paying_change,
        cast(customers_lost_while_new as bigint) as customers_lost_while_new,
        cast(opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(closing_mrr as decimal(38, 6)) as closing_mrr,
        cast(mrr_lost_while_new as decimal(38, 6)) as mrr_lost_while_new
    from movement_sums
)

select * from typed_sums
