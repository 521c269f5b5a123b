-- The reasons of a period add up to the churned customers and the churned MRR of the core marts, on every grain, period
-- and segment value.

with
reasons as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        sum(churned_customers) as customers,
        sum(churned_mrr) as mrr
    from {{ ref('churn_reasons_by_period') }}
    group by period_grain, period_start_date, segment, segment_value
),

customer_churn as (
    select *
    from {{ ref('customer_churn_by_period') }}
    where segment in (select segments.segment from {{ ref('int_segments') }} as segments)
),

mrr_churn as (select * from {{ ref('mrr_churn_by_period') }})

select
    customer_churn.period_grain,
    customer_churn.period_start_date,
    customer_churn.segment,
    customer_churn.segment_value,
    customer_churn.churned_customers,
    reasons.customers as customers_of_reasons,
    mrr_churn.churned_mrr,
    reasons.mrr as mrr_of_reasons
from customer_churn
inner join mrr_churn using (period_grain, period_start_date, segment, segment_value)
left join reasons using (period_grain, period_start_date, segment, segment_value)
where
    customer_churn.churned_customers <> coalesce(reasons.customers, 0)
    or mrr_churn.churned_mrr <> coalesce(reasons.mrr, 0)
