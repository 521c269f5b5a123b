-- One row per grain, period and segment value: cancellations asked for, taken back and carried out, and who took less,
-- took more, fell back to free or left.

with
mrr_by_period as (
    select *
    from {{ ref('int_mrr_by_period') }}
    where segment in ('all', 'country', 'acquisition_channel')
),

cancellation_facts as (select * from {{ ref('int_cancellation_facts_by_period') }}),

period_facts as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.period_start_date,
        mrr_by_period.period_end_date,
        mrr_by_period.is_complete,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        mrr_by_period.opening_customers,
        mrr_by_period.churned_customers,
        cancellation_facts.fact_type,
        cancellation_facts.facts,
        cancellation_facts.customers,
        cancellation_facts.mrr
    from mrr_by_period
    left join cancellation_facts using (period_grain, period_start_date, segment, segment_value)
),

sums as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        opening_customers,
        churned_customers,
        coalesce(sum(facts) filter (where fact_type = 'cancellation_requested'), 0) as cancellations_requested,
        coalesce(sum(facts) filter (where fact_type = 'cancellation_withdrawn'), 0) as cancellations_withdrawn,
        coalesce(sum(facts) filter (where fact_type = 'cancellation_effective'), 0) as cancellations_effective,
        coalesce(sum(customers) filter (where fact_type = 'downgrade'), 0) as downgrade_customers,
        coalesce(sum(mrr) filter (where fact_type = 'downgrade'), 0) as downgrade_mrr,
        coalesce(sum(customers) filter (where fact_type = 'upgrade'), 0) as upgrade_customers,
        coalesce(sum(mrr) filter (where fact_type = 'upgrade'), 0) as upgrade_mrr,
        coalesce(sum(customers) filter (where fact_type = 'paid_to_free'), 0) as paid_to_free_customers
    from period_facts
    group by
        period_grain, period_start_date, period_end_date, is_complete, segment, segment_value, opening_customers,
        churned_customers
),

cancellations as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(cancellations_requested as bigint) as cancellations_requested,
        cast(cancellations_withdrawn as bigint) as cancellations_withdrawn,
        cast(cancellations_effective as bigint) as cancellations_effective,
        cast(downgrade_customers as bigint) as downgrade_customers,
        cast(downgrade_mrr as decimal(38, 6)) as downgrade_mrr,
        cast(upgrade_customers as bigint) as upgrade_customers,
        cast(upgrade_mrr as decimal(38, 6)) as upgrade_mrr,
        cast(paid_to_free_customers as bigint) as paid_to_free_customers,
        cast(churned_customers as bigint) as churned_customers,
        {{ ratio('churned_customers', 'opening_customers') }} as churn_rate
    from sums
)

select * from cancellations
