-- Day by day, the customers and the MRR lost by the definition subscription_end are the churned customers and the
-- churned MRR of the core marts, on every segment value.

with
churn_by_definition as (
    select *
    from {{ ref('churn_by_definition_by_period') }}
    where churn_definition = 'subscription_end' and period_grain = 'day'
),

customer_churn as (
    select *
    from {{ ref('customer_churn_by_period') }}
    where period_grain = 'day' and segment in (select segments.segment from {{ ref('int_segments') }} as segments)
),

mrr_churn as (
    select *
    from {{ ref('mrr_churn_by_period') }}
    where period_grain = 'day' and segment in (select segments.segment from {{ ref('int_segments') }} as segments)
)

select
    period_start_date,
    segment,
    segment_value,
    churn_by_definition.lost_customers,
    customer_churn.churned_customers,
    churn_by_definition.lost_mrr,
    mrr_churn.churned_mrr
from churn_by_definition
full join customer_churn using (period_start_date, segment, segment_value)
left join mrr_churn using (period_start_date, segment, segment_value)
where
    churn_by_definition.lost_customers is distinct from customer_churn.churned_customers
    or churn_by_definition.lost_mrr is distinct from mrr_churn.churned_mrr
