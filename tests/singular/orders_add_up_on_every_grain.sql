-- On every grain, the orders and revenue of all periods are those of all countable orders, and the last period's
-- customers to date are the customers with an order.

with
countable_orders as (
    select
        count(*) as orders,
        coalesce(sum(revenue), 0) as revenue,
        count(distinct customer_key) as customers
    from {{ ref('int_order_sequence') }}
),

period_sums as (
    select
        period_grain,
        sum(orders) as orders,
        sum(revenue) as revenue,
        max(customers_to_date) as customers
    from {{ ref('repeat_purchase_by_period') }}
    where segment = 'all'
    group by period_grain
)

select
    period_sums.*,
    countable_orders.orders as countable_orders,
    countable_orders.revenue as countable_revenue,
    countable_orders.customers as customers_with_an_order
from period_sums
cross join countable_orders
where
    period_sums.orders <> countable_orders.orders
    or period_sums.revenue <> countable_orders.revenue
    or period_sums.customers <> countable_orders.customers
