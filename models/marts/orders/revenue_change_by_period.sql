-- One row per grain, period and segment value, from the value's first countable order on: the revenue of the period,
-- and what changed it from that of the period before.

with
orders_by_period as (select * from {{ ref('int_orders_by_period') }}),

revenue_of_both_periods as (
    select
        orders_by_period.*,
        coalesce(retained_revenue.retained_revenue, 0) as retained_revenue,
        coalesce(retained_revenue.previous_retained_revenue, 0) as previous_retained_revenue,
        coalesce(retained_revenue.growth_revenue, 0) + coalesce(corrections.growth_revenue, 0) as growth_revenue,
        coalesce(retained_revenue.shrinkage_revenue, 0)
        + coalesce(corrections.shrinkage_revenue, 0) as shrinkage_revenue,
        lag(orders_by_period.revenue, 1, 0) over history as previous_revenue,
        lag(orders_by_period.identified_revenue, 1, 0) over history as previous_identified_revenue,
        lag(orders_by_period.stray_revenue, 1, 0) over history as previous_stray_revenue
    from orders_by_period
    left join {{ ref('int_retained_revenue_by_period') }} as retained_revenue using (period_id, segment_id)
    left join {{ ref('int_corrections_by_period') }} as corrections using (period_id, segment_id)
    window history as (partition by segment_id, period_grain order by period_start_date)
),

-- Stray corrections, of customers without an order in the period, are neither returning nor lost revenue.
revenue_changes as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(previous_revenue as decimal(38, 10)) as previous_revenue,
        cast(new_customer_revenue as decimal(38, 10)) as new_customer_revenue,
        cast(identified_revenue - stray_revenue - new_customer_revenue - retained_revenue as decimal(38, 10))
            as returning_customer_revenue,
        cast(growth_revenue as decimal(38, 10)) as growth_revenue,
        cast(shrinkage_revenue as decimal(38, 10)) as shrinkage_revenue,
        cast(previous_identified_revenue - previous_stray_revenue - previous_retained_revenue as decimal(38, 10))
            as lost_customer_revenue,
        cast(
            (revenue - identified_revenue) - (previous_revenue - previous_identified_revenue) as decimal(38, 10)
        ) as guest_revenue_change,
        cast(revenue as decimal(38, 10)) as revenue
    from revenue_of_both_periods
)

select * from revenue_changes
