-- One row per countable order before as_of_date: its rank among its customer's orders, which those of guests lack. An
-- amount below zero is a correction and no order: see int_corrections.

with
orders as (
    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at,
        {{ business_date('orders.ordered_at') }} as order_date,
        {{ at_rate(
            'orders.amount - orders.refunded_amount', 'orders.currency', 'rates.rate', 'decimal(28, 10)'
        ) }} as revenue
    from {{ ref('stg_orders') }} as orders
    left join {{ ref('int_exchange_rates') }} as rates
        on
            orders.currency = rates.currency
            and {{ business_date('orders.ordered_at') }} = rates.date_day
    where orders.status in ({{ text_list(countable_statuses()) }}) and orders.amount >= 0
),

customers as (select * from {{ ref('int_customers') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

known_orders as (
    select
        orders.order_id,
        customers.customer_key,
        coalesce(customers.combination_id, 0) as combination_id,
        orders.ordered_at,
        orders.order_date,
        orders.revenue
    from orders
    inner join as_of_date on orders.order_date < as_of_date.as_of_date
    left join customers using (customer_id)
),

-- Guests apart, or the window would sort all of them as one customer.
numbered_orders as (
    select
        order_id,
        customer_key,
        combination_id,
        ordered_at,
        order_date,
        revenue,
        row_number() over history as order_number,
        min(order_date) over history as first_order_date,
        lag(order_date) over history as previous_order_date,
        lag(order_date, 2) over history as second_previous_order_date,
        lead(order_date) over history as next_order_date,
        lag(revenue) over history as previous_order_revenue
    from known_orders
    where customer_key is not null
    window history as (partition by customer_key order by ordered_at, {{ byte_order('order_id') }})
    union all
    select
        order_id,
        customer_key,
        combination_id,
        ordered_at,
        order_date,
        revenue,
        null as order_number,
        null as first_order_date,
        null as previous_order_date,
        null as second_previous_order_date,
        null as next_order_date,
        null as previous_order_revenue
    from known_orders
    where customer_key is null
)

select * from numbered_orders
