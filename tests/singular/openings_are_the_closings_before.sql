-- What a period opens with, customers and MRR, is what the one before closed with; a first period opens with nothing.
-- By plan, customers who changed plans left the one value and joined the other.

with
balances as (
    select
        customers.period_grain,
        customers.period_start_date,
        customers.segment,
        customers.segment_value,
        customers.opening_customers,
        mrr.opening_mrr,
        lag(customers.closing_customers, 1, 0) over history as previous_closing_customers,
        lag(mrr.closing_mrr, 1, 0) over history as previous_closing_mrr,
        lag(customers.period_start_date) over history as previous_period_start_date
    from {{ ref('customer_churn_by_period') }} as customers
    inner join {{ ref('mrr_churn_by_period') }} as mrr using (period_grain, period_start_date, segment, segment_value)
    window history as (
        partition by customers.period_grain, customers.segment, customers.segment_value
        order by customers.period_start_date
    )
),

plan_transitions as (select * from {{ ref('plan_transitions_by_period') }} where segment = 'all'),

plan_segments as (
    select
        keyed_plans.plan_id,
        plan_segments.segment,
        plan_segments.segment_value
    from {{ ref('int_plan_segments') }} as plan_segments
    inner join {{ ref('int_plans') }} as keyed_plans using (plan_key)
),

transfers as (
    select
        plan_transitions.period_grain,
        plan_transitions.period_start_date,
        plan_segments.segment,
        plan_segments.segment_value,
        sum(
            case plan_segments.plan_id
                when plan_transitions.to_plan_id then plan_transitions.customers
                else -plan_transitions.customers
            end
        ) as customers,
        sum(
            case plan_segments.plan_id
                when plan_transitions.to_plan_id then plan_transitions.closing_mrr
                else -plan_transitions.closing_mrr
            end
        ) as mrr
    from plan_transitions
    inner join plan_segments on plan_segments.plan_id in (plan_transitions.from_plan_id, plan_transitions.to_plan_id)
    group by
        plan_transitions.period_grain, plan_transitions.period_start_date, plan_segments.segment,
        plan_segments.segment_value
)

select
    balances.*,
    transfers.customers as transferred_customers,
    transfers.mrr as transferred_mrr
from balances
left join transfers
    on
        balances.period_grain = transfers.period_grain
        and balances.previous_period_start_date = transfers.period_start_date
        and balances.segment = transfers.segment
        and balances.segment_value = transfers.segment_value
where
    balances.opening_customers <> balances.previous_closing_customers + coalesce(transfers.customers, 0)
    or balances.opening_mrr <> balances.previous_closing_mrr + coalesce(transfers.mrr, 0)
