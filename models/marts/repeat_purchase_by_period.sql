-- One row per grain, period and segment value: orders, their customers, and how many of these buy again.

with
orders_by_period as (select * from {{ ref('int_orders_by_period') }}),

repeat_purchase as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(orders as bigint) as orders,
        cast(revenue as decimal(38, 10)) as revenue,
        cast({{ ratio('revenue', 'orders') }} as decimal(38, 6)) as average_order_value,
        cast(ordering_customers as bigint) as ordering_customers,
        cast(new_ordering_customers as bigint) as new_ordering_customers,
        cast(returning_customers as bigint) as returning_customers,
        cast(repeat_customers as bigint) as repeat_customers,
        {{ ratio('identified_orders', 'ordering_customers') }} as purchase_frequency,
        {{ ratio('repeat_customers', 'ordering_customers') }} as repeat_purchase_rate,
        {{ ratio('returning_customers', 'ordering_customers') }} as returning_customer_rate,
        cast(customers_to_date as bigint) as customers_to_date,
        cast(repeat_customers_to_date as bigint) as repeat_customers_to_date,
        {{ ratio('repeat_customers_to_date', 'customers_to_date') }} as repeat_purchase_rate_to_date,
        average_days_between_orders,
        median_days_between_orders,
        cast(previous_ordering_customers as bigint) as previous_ordering_customers,
        cast(retained_ordering_customers as bigint) as retained_ordering_customers,
        {{ ratio('retained_ordering_customers', 'previous_ordering_customers') }} as order_retention_rate
    from orders_by_period
)

select * from repeat_purchase
