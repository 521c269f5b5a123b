-- Opening + new + reactivated - churned = closing, on every grain, period and segment value.

select *
from {{ ref('customer_churn_by_period') }}
where opening_customers + new_customers + reactivated_customers - churned_customers <> closing_customers
