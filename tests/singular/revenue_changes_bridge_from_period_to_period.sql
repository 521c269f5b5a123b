-- Revenue of the period before and what changed it make the revenue of the period, on every grain and segment value.

-- Six additions need six digits more, which Spark takes from the decimals where 38 are not enough.
with
changes as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        cast(previous_revenue as decimal(32, 10)) as previous_revenue,
        cast(new_customer_revenue as decimal(32, 10)) as new_customer_revenue,
        cast(returning_customer_revenue as decimal(32, 10)) as returning_customer_revenue,
        cast(growth_revenue as decimal(32, 10)) as growth_revenue,
        cast(shrinkage_revenue as decimal(32, 10)) as shrinkage_revenue,
        cast(lost_customer_revenue as decimal(32, 10)) as lost_customer_revenue,
        cast(guest_revenue_change as decimal(32, 10)) as guest_revenue_change,
        revenue
    from {{ ref('revenue_change_by_period') }}
)

select *
from changes
where previous_revenue + new_customer_revenue + returning_customer_revenue + growth_revenue - shrinkage_revenue
    - lost_customer_revenue + guest_revenue_change <> revenue
