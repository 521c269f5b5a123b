-- One row per customer, plan and business date on which one of the customer's paid stretches starts or ends, wherever
-- the plan pays before or after the day: the plan's part of the customer's MRR.

with
paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

ledger_days as (
    select
        customer_key,
        start_date as movement_date
    from paid_stretches
    union distinct
    select
        customer_key,
        end_date as movement_date
    from paid_stretches
    where end_date is not null
),

plan_days as (
    select
        paid_stretches.customer_key,
        paid_stretches.plan_key,
        ledger_days.movement_date,
        sum(case when paid_stretches.start_date < ledger_days.movement_date then paid_stretches.mrr else 0 end)
            as opening_mrr,
        sum(case when paid_stretches.end_date = ledger_days.movement_date then 0 else paid_stretches.mrr end)
            as closing_mrr
    from paid_stretches
    inner join ledger_days
        on
            paid_stretches.customer_key = ledger_days.customer_key
            and paid_stretches.start_date <= ledger_days.movement_date
            and (paid_stretches.end_date is null or paid_stretches.end_date >= ledger_days.movement_date)
    group by paid_stretches.customer_key, paid_stretches.plan_key, ledger_days.movement_date
),

plan_balances as (
    select
        customer_key,
        plan_key,
        movement_date,
        cast(opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(closing_mrr as decimal(38, 6)) as closing_mrr,
        row_number() over (
            partition by customer_key, movement_date
            order by closing_mrr desc, plan_key asc
        ) as closing_rank
    from plan_days
    where opening_mrr > 0 or closing_mrr > 0
)

select * from plan_balances
