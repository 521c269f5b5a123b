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
        {{ rounded('average_order_value', 6) }} as average_order_value,
        cast(ordering_customers as bigint) as ordering_customers,
        cast(new_ordering_customers as bigint) as new_ordering_customers,
        cast(returning_customers as bigint) as returning_customers,
        cast(repeat_customers as bigint) as repeat_customers,
        purchase_frequency,
        repeat_purchase_rate,
        returning_customer_rate,
        cast(customers_to_date as bigint) as customers_to_date,
        cast(repeat_customers_to_date as bigint) as repeat_customers_to_date,
        repeat_purchase_rate_to_date,
        average_days_between_orders,
        median_days_between_orders,
        cast(previous_ordering_customers as bigint) as previous_ordering_customers,
        cast(retained_ordering_customers as bigint) as retained_ordering_customers,
        order_retention_rate
    from orders_by_period
)

select * from repeat_purchase
