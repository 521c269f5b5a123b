-- One row per customer, plan and business date on which one of the customer's paid stretches starts or ends, wherever
-- the plan pays before or after the day: the plan's part of his MRR.

with

paid_stretches as (

    select *
    from {{ ref('int_mrr_stretches') }}
    where mrr > 0

),

deltas as (

    select
        customer_id,
        plan_id,
        product,
        tier,
        start_date as movement_date,
        mrr as mrr_delta

    from paid_stretches

    union all

    select
        customer_id,
        plan_id,
        product,
        tier,
        end_date as movement_date,
        -mrr as mrr_delta

    from paid_stretches
    where end_date is not null

),

plan_changes as (

    select
        customer_id,
        plan_id,
        movement_date,
        sum(mrr_delta) as mrr_change

    from deltas
    group by customer_id, plan_id, movement_date

),

customer_plans as (

    select
        customer_id,
        plan_id,
        product,
        tier,
        min(movement_date) as first_date

    from deltas
    group by customer_id, plan_id, product, tier

),

customer_days as (

    select distinct
        customer_id,
        movement_date

    from deltas

),

plan_days as (

    select
        customer_plans.customer_id,
        customer_plans.plan_id,
        customer_plans.product,
        customer_plans.tier,
        customer_days.movement_date,
        coalesce(plan_changes.mrr_change, 0) as mrr_change,
        sum(plan_changes.mrr_change) over (
            partition by customer_plans.customer_id, customer_plans.plan_id
            order by customer_days.movement_date
        ) as closing_mrr

    from customer_plans
    inner join customer_days
        on
            customer_plans.customer_id = customer_days.customer_id
            and customer_plans.first_date <= customer_days.movement_date
    left join plan_changes
        on
            customer_plans.customer_id = plan_changes.customer_id
            and customer_plans.plan_id = plan_changes.plan_id
            and customer_days.movement_date = plan_changes.movement_date

),

plan_balances as (

    select
        customer_id,
        plan_id,
        product,
        tier,
        movement_date,
        cast(closing_mrr - mrr_change as decimal(18, 6)) as opening_mrr,
        cast(closing_mrr as decimal(18, 6)) as closing_mrr,
        row_number() over (
            partition by customer_id, movement_date
            order by closing_mrr desc, plan_id asc
        ) as closing_rank

    from plan_days

)

select *
from plan_balances
where opening_mrr > 0 or closing_mrr > 0
