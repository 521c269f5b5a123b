-- Retention rate + churn rate = 1 wherever somebody was paying at the opening; both are null elsewhere.

with
churn as (select * from {{ ref('customer_churn_by_period') }}),

retention as (select * from {{ ref('retention_by_period') }})

select
    retention.*,
    churn.churn_rate
from retention
full join churn using (period_grain, period_start_date, segment, segment_value)
where
    retention.opening_customers is distinct from churn.opening_customers
    or (retention.opening_customers > 0) <> (retention.retention_rate is not null)
    or (retention.retention_rate is null) <> (churn.churn_rate is null)
    or abs(retention.retention_rate + churn.churn_rate - 1) > 1e-12
