-- One row per grain, period and segment value: how many of the customers paying at the opening, and how much of their
-- MRR, are there at the closing.

with
mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

-- A customer of the opening keeps the lesser of opening and closing MRR: what he neither contracts nor churns.
kept_mrr as (
    select
        *,
        opening_customers - churned_customers as retained_customers,
        opening_mrr - contraction_mrr - churned_mrr as kept_mrr,
        opening_mrr + expansion_mrr - contraction_mrr - churned_mrr as retained_mrr
    from mrr_by_period
),

retention as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(opening_customers as bigint) as opening_customers,
        cast(retained_customers as bigint) as retained_customers,
        {{ ratio('closing_customers - new_customers - reactivated_customers', 'opening_customers') }} as retention_rate,
        cast(opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(retained_mrr as decimal(38, 6)) as retained_mrr,
        {{ ratio('retained_mrr', 'opening_mrr') }} as net_revenue_retention,
        {{ ratio('kept_mrr', 'opening_mrr') }} as gross_revenue_retention
    from kept_mrr
)

select * from retention
