-- One row per grain, period and segment value, from the value's first countable order on: orders and customers of the
-- period, of the period before, and to date, and the ratios of these. The order marts are read off this.

with
sums as (select * from {{ ref('int_order_sums_by_period') }}),

order_gaps as (select * from {{ ref('int_order_gaps_by_period') }}),

corrections as (select * from {{ ref('int_corrections_by_period') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'order'),

period_sums as (
    select
        segment_periods.*,
        coalesce(sums.orders, 0) as orders,
        coalesce(sums.revenue, 0) + coalesce(corrections.revenue, 0) as revenue,
        coalesce(sums.identified_orders, 0) as identified_orders,
        coalesce(sums.identified_revenue, 0) + coalesce(corrections.identified_revenue, 0) as identified_revenue,
        coalesce(sums.new_customer_revenue, 0) + coalesce(corrections.new_customer_revenue, 0) as new_customer_revenue,
        coalesce(corrections.stray_revenue, 0) as stray_revenue,
        coalesce(sums.ordering_customers, 0) as ordering_customers,
        coalesce(sums.new_ordering_customers, 0) as new_ordering_customers,
        coalesce(sums.first_repeating_customers, 0) as first_repeating_customers,
        coalesce(sums.returning_customers, 0) as returning_customers,
        coalesce(sums.repeat_customers, 0) as repeat_customers,
        coalesce(sums.retained_ordering_customers, 0) as retained_ordering_customers,
        order_gaps.average_days_between_orders,
        order_gaps.median_days_between_orders
    from segment_periods
    left join sums using (period_id, segment_id)
    left join order_gaps using (period_id, segment_id)
    left join corrections using (period_id, segment_id)
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
    window history as (partition by segment_id, period_grain order by period_start_date)
),

lost_customers as (
    select
        *,
        previous_ordering_customers - retained_ordering_customers as lost_ordering_customers
    from running_sums
),

rates as (
    select
        *,
        {{ ratio('revenue', 'orders') }} as average_order_value,
        {{ ratio('identified_orders', 'ordering_customers') }} as purchase_frequency,
        {{ ratio('repeat_customers', 'ordering_customers') }} as repeat_purchase_rate,
        {{ ratio('returning_customers', 'ordering_customers') }} as returning_customer_rate,
        {{ ratio('repeat_customers_to_date', 'customers_to_date') }} as repeat_purchase_rate_to_date,
        {{ ratio('retained_ordering_customers', 'previous_ordering_customers') }} as order_retention_rate,
        {{ ratio('lost_ordering_customers', 'previous_ordering_customers') }} as order_churn_rate,
        {{ ratio('previous_ordering_customers', 'lost_ordering_customers') }} as lifespan_periods,
        {{ ratio('identified_revenue_to_date', 'customers_to_date') }} as realized_order_clv
    from lost_customers
)

select * from rates
