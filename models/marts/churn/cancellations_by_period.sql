-- One row per grain, period and segment value: cancellations asked for, taken back and carried out, and who took less,
-- took more, fell back to free or left.

with
mrr_by_period as (select * from {{ ref('int_mrr_by_period') }} where segment_id > 0),

sums as (
    select
        period_id,
        segment_id,
        sum(facts) filter (where fact_type = 'cancellation_requested') as cancellations_requested,
        sum(facts) filter (where fact_type = 'cancellation_withdrawn') as cancellations_withdrawn,
        sum(facts) filter (where fact_type = 'cancellation_effective') as cancellations_effective,
        sum(customers) filter (where fact_type = 'downgrade') as downgrade_customers,
        sum(mrr) filter (where fact_type = 'downgrade') as downgrade_mrr,
        sum(customers) filter (where fact_type = 'upgrade') as upgrade_customers,
        sum(mrr) filter (where fact_type = 'upgrade') as upgrade_mrr,
        sum(customers) filter (where fact_type = 'paid_to_free') as paid_to_free_customers
    from {{ ref('int_cancellation_facts_by_period') }}
    group by period_id, segment_id
),

cancellations as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.period_start_date,
        mrr_by_period.period_end_date,
        mrr_by_period.is_complete,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        cast(coalesce(sums.cancellations_requested, 0) as bigint) as cancellations_requested,
        cast(coalesce(sums.cancellations_withdrawn, 0) as bigint) as cancellations_withdrawn,
        cast(coalesce(sums.cancellations_effective, 0) as bigint) as cancellations_effective,
        cast(coalesce(sums.downgrade_customers, 0) as bigint) as downgrade_customers,
        cast(coalesce(sums.downgrade_mrr, 0) as decimal(38, 6)) as downgrade_mrr,
        cast(coalesce(sums.upgrade_customers, 0) as bigint) as upgrade_customers,
        cast(coalesce(sums.upgrade_mrr, 0) as decimal(38, 6)) as upgrade_mrr,
        cast(coalesce(sums.paid_to_free_customers, 0) as bigint) as paid_to_free_customers,
        cast(mrr_by_period.churned_customers as bigint) as churned_customers,
        mrr_by_period.churn_rate
    from mrr_by_period
    left join sums using (period_id, segment_id)
)

select * from cancellations
