-- Revenue of the period before and what changed it make the revenue of the period, on every grain and segment value.

select *
from {{ ref('revenue_change_by_period') }}
where previous_revenue + new_customer_revenue + returning_customer_revenue + growth_revenue - shrinkage_revenue
    - lost_customer_revenue + guest_revenue_change <> revenue
