-- One row per correction before as_of_date: a countable order with an amount below zero. Its revenue counts in its
-- period, segments and customer; it is no order and no purchase, and opens nothing.

with
corrections as (
    select
        orders.order_id,
        orders.customer_id,
        {{ business_date('orders.ordered_at') }} as correction_date,
        {{ at_rate(
            'orders.amount - orders.refunded_amount', 'orders.currency', 'rates.rate', 'decimal(28, 10)'
        ) }} as revenue
    from {{ ref('stg_orders') }} as orders
    left join {{ ref('int_exchange_rates') }} as rates
        on
            orders.currency = rates.currency
            and {{ business_date('orders.ordered_at') }} = rates.date_day
    where orders.status in ({{ text_list(countable_statuses()) }}) and orders.amount < 0
),

customers as (select * from {{ ref('int_customers') }}),

first_orders as (select * from {{ ref('int_order_sequence') }} where order_number = 1),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

known_corrections as (
    select
        corrections.order_id,
        customers.customer_key,
        coalesce(customers.combination_id, 0) as combination_id,
        corrections.correction_date,
        first_orders.order_date as first_order_date,
        corrections.revenue
    from corrections
    inner join as_of_date on corrections.correction_date < as_of_date.as_of_date
    left join customers using (customer_id)
    left join first_orders using (customer_key)
)

select * from known_corrections
