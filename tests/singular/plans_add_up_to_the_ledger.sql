-- The parts of the plans, taken straight from the stretches, add up to the running balances of the ledger.

with
plan_sums as (
    select
        customer_key,
        movement_date,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr
    from {{ ref('int_plan_mrr_ledger') }}
    group by customer_key, movement_date
)

select
    ledger.customer_key,
    ledger.movement_date,
    ledger.opening_mrr,
    ledger.closing_mrr,
    plan_sums.opening_mrr as opening_mrr_of_plans,
    plan_sums.closing_mrr as closing_mrr_of_plans
from {{ ref('int_mrr_ledger') }} as ledger
left join plan_sums using (customer_key, movement_date)
where
    ledger.opening_mrr <> coalesce(plan_sums.opening_mrr, 0)
    or ledger.closing_mrr <> coalesce(plan_sums.closing_mrr, 0)
