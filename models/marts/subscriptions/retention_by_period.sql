-- One row per grain, period and segment value: how many of the customers paying at the opening, and how much of their
-- MRR, are there at the closing.

with
mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

retention as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(opening_customers as bigint) as opening_customers,
        cast(opening_customers - churned_customers as bigint) as retained_customers,
        retention_rate,
        cast(opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(retained_mrr as decimal(38, 6)) as retained_mrr,
        net_revenue_retention,
        gross_revenue_retention
    from mrr_by_period
)

select * from retention
