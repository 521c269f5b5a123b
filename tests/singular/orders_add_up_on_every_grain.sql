-- On every grain, the orders and revenue of all periods are those of all countable orders and their corrections, and
-- the last period's customers to date are the customers with an order.

with
countable_orders as (
    select
        count(*) as orders,
        cast(coalesce(sum(revenue), 0) as decimal(34, 10)) as revenue,
        count(distinct customer_key) as customers
    from {{ ref('int_order_sequence') }}
),

-- Those before the first period of a grain count nowhere.
corrections as (
    select
        periods.period_grain,
        cast(sum(corrections.revenue) as decimal(34, 10)) as revenue
    from {{ ref('int_corrections') }} as corrections
    inner join {{ ref('int_segment_periods') }} as periods
        on
            corrections.correction_date >= periods.period_start_date
            and corrections.correction_date <= periods.period_end_date
    where periods.basis = 'order' and periods.segment = 'all'
    group by periods.period_grain
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
left join corrections using (period_grain)
where
    period_sums.orders <> countable_orders.orders
    or period_sums.revenue <> countable_orders.revenue + coalesce(corrections.revenue, 0)
    or period_sums.customers <> countable_orders.customers
