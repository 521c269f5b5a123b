-- One row per countable order before as_of_date: its place among the orders of its customer.
-- Orders of guests have no place; they count as orders and revenue only.

with

orders as (

    select
        *,
        {{ business_date('ordered_at') }} as order_date

    from {{ ref('stg_orders') }}
    where status in ({{ text_list(var('countable_order_statuses')) }})

),

customers as (select * from {{ ref('stg_customers') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

known_orders as (

    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at,
        orders.order_date,
        cast(orders.amount - orders.refunded_amount as decimal(28, 10)) as revenue,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel

    from orders
    inner join as_of_date
        on orders.order_date < as_of_date.as_of_date
    left join customers
        on orders.customer_id = customers.customer_id

),

numbered_orders as (

    select
        *,
        row_number() over customer_orders as order_number,
        min(order_date) over customer_orders as first_order_date,
        lag(order_date) over customer_orders as previous_order_date,
        lag(order_date, 2) over customer_orders as second_previous_order_date,
        lead(order_date) over customer_orders as next_order_date

    from known_orders
    where customer_id is not null
    window customer_orders as (partition by customer_id order by ordered_at, order_id)

),

sequenced_orders as (

    select * from numbered_orders

    union all

    select
        *,
        null as order_number,
        null as first_order_date,
        null as previous_order_date,
        null as second_previous_order_date,
        null as next_order_date

    from known_orders
    where customer_id is null

)

select * from sequenced_orders
