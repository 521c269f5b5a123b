-- One row per grain, period and segment value, from the value's first countable order on: orders and customers of
-- the period, of the period before, and to date. The order marts are read off this.

with
sums as (select * from {{ ref('int_order_sums_by_period') }}),

order_gaps as (select * from {{ ref('int_order_gaps_by_period') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'order'),

period_sums as (
    select
        segment_periods.period_grain,
        segment_periods.period_start_date,
        segment_periods.period_end_date,
        segment_periods.is_complete,
        segment_periods.segment,
        segment_periods.segment_value,
        coalesce(sums.orders, 0) as orders,
        coalesce(sums.revenue, 0) as revenue,
        coalesce(sums.identified_orders, 0) as identified_orders,
        coalesce(sums.identified_revenue, 0) as identified_revenue,
        coalesce(sums.new_customer_revenue, 0) as new_customer_revenue,
        coalesce(sums.ordering_customers, 0) as ordering_customers,
        coalesce(sums.new_ordering_customers, 0) as new_ordering_customers,
        coalesce(sums.first_repeating_customers, 0) as first_repeating_customers,
        coalesce(sums.returning_customers, 0) as returning_customers,
        coalesce(sums.repeat_customers, 0) as repeat_customers,
        coalesce(sums.retained_ordering_customers, 0) as retained_ordering_customers,
        order_gaps.average_days_between_orders,
        order_gaps.median_days_between_orders
    from segment_periods
    left join sums using (period_grain, period_start_date, segment, segment_value)
    left join order_gaps using (period_grain, period_start_date, segment, segment_value)
),

running_sums as (
    select
        *,
        sum(new_ordering_customers) over history as customers_to_date,
        sum(first_repeating_customers) over history as repeat_customers_to_date,
        sum(revenue) over history as revenue_to_date,
        sum(identified_revenue) over history as identified_revenue_to_date,
        lag(ordering_customers, 1, 0) over history as previous_ordering_customers
    from period_sums
    window history as (partition by period_grain, segment, segment_value order by period_start_date)
)

select * from running_sums
