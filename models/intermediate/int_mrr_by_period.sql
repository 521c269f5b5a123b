-- One row per grain, period and segment value, from the value's first paid start on: customers and MRR at the
-- opening and the closing of the period, and what moved them. The subscription marts are read off this.

with
movements as (select * from {{ ref('int_mrr_movements_by_period') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'subscription'),

segment_movements as (
    select
        segment_periods.*,
        movements.movement_type,
        movements.customers,
        movements.paying_change,
        movements.mrr_change,
        movements.customers_lost_while_new,
        movements.mrr_lost_while_new
    from segment_periods
    left join movements using (period_grain, period_start_date, segment, segment_value)
),

changes as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        coalesce(sum(customers) filter (where movement_type = 'new'), 0) as new_customers,
        coalesce(sum(customers) filter (where movement_type = 'reactivation'), 0) as reactivated_customers,
        coalesce(sum(customers) filter (where movement_type = 'churn'), 0) as churned_customers,
        coalesce(sum(customers) filter (where movement_type = 'transient'), 0) as transient_customers,
        coalesce(sum(customers) filter (where movement_type = 'expansion'), 0) as expansion_customers,
        coalesce(sum(customers) filter (where movement_type = 'contraction'), 0) as contraction_customers,
        coalesce(sum(mrr_change) filter (where movement_type = 'new'), 0) as new_mrr,
        coalesce(sum(mrr_change) filter (where movement_type = 'reactivation'), 0) as reactivation_mrr,
        coalesce(sum(mrr_change) filter (where movement_type = 'expansion'), 0) as expansion_mrr,
        coalesce(-sum(mrr_change) filter (where movement_type = 'contraction'), 0) as contraction_mrr,
        coalesce(-sum(mrr_change) filter (where movement_type = 'churn'), 0) as churned_mrr,
        coalesce(sum(customers_lost_while_new), 0) as customers_lost_while_new,
        coalesce(sum(mrr_lost_while_new), 0) as mrr_lost_while_new,
        coalesce(sum(paying_change) filter (where movement_type <> 'transfer'), 0) as net_paying_change,
        coalesce(sum(mrr_change) filter (where movement_type <> 'transfer'), 0) as net_mrr_change,
        coalesce(sum(paying_change) filter (where movement_type = 'transfer'), 0) as transferred_customers,
        coalesce(sum(mrr_change) filter (where movement_type = 'transfer'), 0) as transferred_mrr
    from segment_movements
    group by period_grain, period_start_date, period_end_date, is_complete, segment, segment_value
),

-- Transfers come after the closing.
closings as (
    select
        *,
        sum(net_paying_change + transferred_customers) over history - transferred_customers as closing_customers,
        sum(net_mrr_change + transferred_mrr) over history - transferred_mrr as closing_mrr
    from changes
    window history as (partition by period_grain, segment, segment_value order by period_start_date)
),

-- The opening is the closing of the period before, and its transfers: the closing less what happened since.
balances as (
    select
        *,
        closing_customers - net_paying_change as opening_customers,
        closing_mrr - net_mrr_change as opening_mrr
    from closings
)

select * from balances
