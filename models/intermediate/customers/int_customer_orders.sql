-- One row per customer with an order: their orders and revenue, all and of the last days, and how they compare with
-- other customers by recency, frequency and money.

with
orders as (select * from {{ ref('int_order_sequence') }} where customer_key is not null),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

dated_orders as (
    select
        orders.*,
        as_of_date.as_of_date,
        orders.order_date >= {{ dbt.dateadd('day', -90, 'as_of_date.as_of_date') }} as is_of_last_90_days,
        orders.order_date >= {{ dbt.dateadd('day', -180, 'as_of_date.as_of_date') }} as is_of_last_180_days
    from orders
    cross join as_of_date
),

order_facts as (
    select
        customer_key,
        count(*) as orders,
        sum(revenue) as revenue,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        max(order_date) as last_order_date,
        {{ dbt.datediff('min(order_date)', 'max(order_date)', 'day') }} as days_from_first_to_last_order,
        {{ dbt.datediff('max(order_date)', 'as_of_date', 'day') }} as days_since_last_order,
        coalesce(sum(revenue) filter (where is_of_last_90_days), 0) as revenue_last_90_days,
        coalesce(sum(revenue) filter (where is_of_last_180_days and not is_of_last_90_days), 0)
            as revenue_previous_90_days
    from dated_orders
    group by customer_key, as_of_date
),

-- Fifths by rank: equal customers score alike.
scores as (
    select
        *,
        1 + floor(5 * (rank() over (order by last_order_date asc) - 1) / count(*) over ()) as recency_score,
        1 + floor(5 * (rank() over (order by orders asc) - 1) / count(*) over ()) as frequency_score,
        1 + floor(5 * (rank() over (order by revenue asc) - 1) / count(*) over ()) as monetary_score
    from order_facts
)

select * from scores
