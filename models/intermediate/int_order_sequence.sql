-- One row per countable order before as_of_date: its place among its customer's orders, which those of guests have not.

with
orders as (
    select
        order_id,
        customer_id,
        ordered_at,
        {{ business_date('ordered_at') }} as order_date,
        cast(amount - refunded_amount as decimal(28, 10)) as revenue
    from {{ ref('stg_orders') }}
    where status in ({{ text_list(var('countable_order_statuses')) }})
),

customers as (select * from {{ ref('stg_customers') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

known_orders as (
    select orders.*
    from orders
    inner join as_of_date on orders.order_date < as_of_date.as_of_date
),

-- The window takes all guests for one customer.
numbered_orders as (
    select
        *,
        case when customer_id is not null then row_number() over history end as order_number,
        case when customer_id is not null then min(order_date) over history end as first_order_date,
        case when customer_id is not null then lag(order_date) over history end as previous_order_date,
        case when customer_id is not null then lag(order_date, 2) over history end as second_previous_order_date,
        case when customer_id is not null then lead(order_date) over history end as next_order_date,
        case when customer_id is not null then lag(revenue) over history end as previous_order_revenue
    from known_orders
    window history as (partition by customer_id order by ordered_at, order_id)
),

-- After the numbers, so that attributes need not be sorted along.
attributed_orders as (
    select
        numbered_orders.*,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel
    from numbered_orders
    left join customers using (customer_id)
)

select * from attributed_orders
