-- One row per grain, period and segment value, from the value's first paid start on: customers and MRR at the opening
-- and the closing of the period, what moved them, and the ratios of these. The subscription marts are read off this.

with
movements as (select * from {{ ref('int_mrr_movements_by_period') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'subscription'),

sums as (
    select
        period_id,
        segment_id,
        sum(customers) filter (where movement_type = 'new') as new_customers,
        sum(customers) filter (where movement_type = 'reactivation') as reactivated_customers,
        sum(customers) filter (where movement_type = 'churn') as churned_customers,
        sum(customers) filter (where movement_type = 'transient') as transient_customers,
        sum(customers) filter (where movement_type = 'expansion') as expansion_customers,
        sum(customers) filter (where movement_type = 'contraction') as contraction_customers,
        sum(mrr_change) filter (where movement_type = 'new') as new_mrr,
        sum(mrr_change) filter (where movement_type = 'reactivation') as reactivation_mrr,
        sum(mrr_change) filter (where movement_type = 'expansion') as expansion_mrr,
        -sum(mrr_change) filter (where movement_type = 'contraction') as contraction_mrr,
        -sum(mrr_change) filter (where movement_type = 'churn') as churned_mrr,
        sum(customers_lost_while_new) as customers_lost_while_new,
        sum(mrr_lost_while_new) as mrr_lost_while_new,
        sum(paying_change) filter (where movement_type = 'transfer') as transferred_customers,
        sum(mrr_change) filter (where movement_type = 'transfer') as transferred_mrr
    from movements
    group by period_id, segment_id
),

changes as (
    select
        segment_periods.*,
        coalesce(sums.new_customers, 0) as new_customers,
        coalesce(sums.reactivated_customers, 0) as reactivated_customers,
        coalesce(sums.churned_customers, 0) as churned_customers,
        coalesce(sums.transient_customers, 0) as transient_customers,
        coalesce(sums.expansion_customers, 0) as expansion_customers,
        coalesce(sums.contraction_customers, 0) as contraction_customers,
        coalesce(sums.new_mrr, 0) as new_mrr,
        coalesce(sums.reactivation_mrr, 0) as reactivation_mrr,
        coalesce(sums.expansion_mrr, 0) as expansion_mrr,
        coalesce(sums.contraction_mrr, 0) as contraction_mrr,
        coalesce(sums.churned_mrr, 0) as churned_mrr,
        coalesce(sums.customers_lost_while_new, 0) as customers_lost_while_new,
        coalesce(sums.mrr_lost_while_new, 0) as mrr_lost_while_new,
        coalesce(sums.transferred_customers, 0) as transferred_customers,
        coalesce(sums.transferred_mrr, 0) as transferred_mrr
    from segment_periods
    left join sums using (period_id, segment_id)
),

net_changes as (
    select
        *,
        new_customers + reactivated_customers - churned_customers as net_new_customers,
        new_mrr + reactivation_mrr + expansion_mrr - contraction_mrr - churned_mrr as net_new_mrr
    from changes
),

-- Transfers come after the closing.
closings as (
    select
        *,
        (sum(net_new_customers + transferred_customers) over history) - transferred_customers as closing_customers,
        (sum(net_new_mrr + transferred_mrr) over history) - transferred_mrr as closing_mrr
    from net_changes
    window history as (partition by segment_id, period_grain order by period_start_date)
),

-- The opening is the closing of the period before, and its transfers: the closing minus what happened since.
-- A customer of the opening retains, gross, the lesser of opening and closing MRR.
balances as (
    select
        *,
        closing_customers - net_new_customers as opening_customers,
        closing_mrr - net_new_mrr as opening_mrr,
        closing_mrr - new_mrr - reactivation_mrr as retained_mrr,
        closing_mrr - new_mrr - reactivation_mrr - expansion_mrr as gross_retained_mrr
    from closings
),

rates as (
    select
        *,
        {{ ratio('churned_customers', 'opening_customers') }} as churn_rate,
        {{ ratio('new_customers + reactivated_customers', 'churned_customers') }} as replacement_ratio,
        {{ ratio('opening_customers - churned_customers', 'opening_customers') }} as retention_rate,
        {{ ratio('churned_mrr', 'opening_mrr') }} as mrr_churn_rate,
        {{ ratio('churned_mrr + contraction_mrr', 'opening_mrr') }} as gross_mrr_churn_rate,
        {{ ratio('churned_mrr + contraction_mrr - expansion_mrr - reactivation_mrr', 'opening_mrr') }}
            as net_mrr_churn_rate,
        {{ ratio('retained_mrr', 'opening_mrr') }} as net_revenue_retention,
        {{ ratio('gross_retained_mrr', 'opening_mrr') }} as gross_revenue_retention,
        {{ ratio('new_mrr + reactivation_mrr + expansion_mrr', 'contraction_mrr + churned_mrr') }} as quick_ratio,
        {{ ratio('closing_mrr', 'closing_customers') }} as arpa
    from balances
)

select * from rates
