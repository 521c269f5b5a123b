-- One row per grain, period, segment value, type and reason of churn, band of tenure and plan of customers who churned:
-- the audit of the lost, which adds up to the churned customers and MRR of the period.

with
churned_customers as (select * from {{ ref('int_customer_mrr_periods') }} where movement_type = 'churn'),

churn_events as (select * from {{ ref('int_churn_events') }} where churn_definition = 'subscription_end'),

plans as (select * from {{ ref('int_plans') }}),

-- So many reasons and plans leave hardly a customer to add up by combination of attributes first.
sums_by_segment as (
    select
        churned_customers.period_id,
        segments.segment_id,
        churn_events.churn_type,
        churn_events.reason,
        churn_events.tenure_band,
        churn_events.plan_key,
        count(*) as customers,
        sum(churned_customers.opening_mrr) as mrr
    from churned_customers
    inner join churn_events using (customer_key, churned_on)
    inner join {{ ref('int_segments') }} as segments using (combination_id)
    group by
        churned_customers.period_id, segments.segment_id, churn_events.churn_type, churn_events.reason,
        churn_events.tenure_band, churn_events.plan_key
),

shares as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.period_start_date,
        mrr_by_period.period_end_date,
        mrr_by_period.is_complete,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        sums.churn_type,
        sums.reason,
        sums.tenure_band,
        plans.plan_id,
        plans.plan_name,
        cast(sums.customers as bigint) as churned_customers,
        cast(sums.mrr as decimal(38, 6)) as churned_mrr,
        {{ ratio('sums.customers', 'mrr_by_period.churned_customers') }} as share_of_churned_customers,
        {{ ratio('sums.mrr', 'mrr_by_period.churned_mrr') }} as share_of_churned_mrr
    from sums_by_segment as sums
    inner join {{ ref('int_mrr_by_period') }} as mrr_by_period using (period_id, segment_id)
    inner join plans using (plan_key)
)

select * from shares
