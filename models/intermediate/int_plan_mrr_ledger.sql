-- One row per customer, plan and business date on which one of the customer's paid stretches starts or ends, wherever
-- the plan pays before or after the day: the plan's part of his MRR.

with
paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

ledger_days as (
    select
        customer_id,
        start_date as movement_date
    from paid_stretches
    union distinct
    select
        customer_id,
        end_date as movement_date
    from paid_stretches
    where end_date is not null
),

plan_days as (
    select
        paid_stretches.customer_id,
        paid_stretches.plan_id,
        max(paid_stretches.product) as product,
        max(paid_stretches.tier) as tier,
        ledger_days.movement_date,
        sum(case when paid_stretches.start_date < ledger_days.movement_date then paid_stretches.mrr else 0 end)
            as opening_mrr,
        sum(case when paid_stretches.end_date = ledger_days.movement_date then 0 else paid_stretches.mrr end)
            as closing_mrr
    from paid_stretches
    inner join ledger_days
        on
            paid_stretches.customer_id = ledger_days.customer_id
            and paid_stretches.start_date <= ledger_days.movement_date
            and (paid_stretches.end_date is null or paid_stretches.end_date >= ledger_days.movement_date)
    group by paid_stretches.customer_id, paid_stretches.plan_id, ledger_days.movement_date
),

plan_balances as (
    select
        customer_id,
        plan_id,
        product,
        tier,
        movement_date,
        cast(opening_mrr as decimal(18, 6)) as opening_mrr,
        cast(closing_mrr as decimal(18, 6)) as closing_mrr,
        row_number() over (
            partition by customer_id, movement_date
            order by closing_mrr desc, plan_id asc
        ) as closing_rank
    from plan_days
    where opening_mrr > 0 or closing_mrr > 0
)

select * from plan_balances
