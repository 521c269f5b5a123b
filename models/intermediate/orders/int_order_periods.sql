-- One row per countable order and grain: the period it lies in, and its rank among its customer's orders there.

with
orders as (select * from {{ ref('int_order_sequence') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

order_periods as (
    select
        orders.customer_key,
        orders.combination_id,
        orders.order_number,
        orders.first_order_date,
        orders.revenue,
        orders.previous_order_revenue,
        date_periods.period_id,
        date_periods.period_grain,
        date_periods.period_start_date,
        orders.customer_key is not null
        and coalesce(orders.previous_order_date < date_periods.period_start_date, true) as is_first_in_period,
        coalesce(orders.previous_order_date >= date_periods.period_start_date, false)
        and coalesce(orders.second_previous_order_date < date_periods.period_start_date, true) as is_second_in_period,
        orders.customer_key is not null
        and coalesce(orders.next_order_date > date_periods.period_end_date, true) as is_last_in_period,
        coalesce(
            orders.previous_order_date >= date_periods.previous_period_start_date
            and orders.previous_order_date < date_periods.period_start_date,
            false
        ) as has_retained_customer
    from orders
    inner join date_periods on orders.order_date = date_periods.date_day
)

select * from order_periods
