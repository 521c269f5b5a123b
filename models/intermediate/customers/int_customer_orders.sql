-- One row per customer with an order or a correction: their orders and revenue, all and of the last days, and how they
-- compare with other customers by recency, frequency and money.

with
as_of_date as (select * from {{ ref('int_as_of_date') }}),

bookings as (
    select
        customer_key,
        order_date as booking_date,
        order_date,
        ordered_at,
        revenue
    from {{ ref('int_order_sequence') }}
    where customer_key is not null
    union all
    select
        customer_key,
        correction_date as booking_date,
        null as order_date,
        null as ordered_at,
        revenue
    from {{ ref('int_corrections') }}
    where customer_key is not null
),

dated_bookings as (
    select
        bookings.*,
        as_of_date.as_of_date,
        bookings.booking_date >= {{ dbt.dateadd('day', -90, 'as_of_date.as_of_date') }} as is_of_last_90_days,
        bookings.booking_date >= {{ dbt.dateadd('day', -180, 'as_of_date.as_of_date') }} as is_of_last_180_days
    from bookings
    cross join as_of_date
),

order_facts as (
    select
        customer_key,
        count(order_date) as orders,
        sum(revenue) as revenue,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        max(order_date) as last_order_date,
        {{ dbt.datediff('min(order_date)', 'max(order_date)', 'day') }} as days_from_first_to_last_order,
        {{ dbt.datediff('max(order_date)', 'as_of_date', 'day') }} as days_since_last_order,
        coalesce(sum(revenue) filter (where is_of_last_90_days), 0) as revenue_last_90_days,
        coalesce(sum(revenue) filter (where is_of_last_180_days and not is_of_last_90_days), 0)
            as revenue_previous_90_days
    from dated_bookings
    group by customer_key, as_of_date
),

-- Fifths by rank: equal customers score alike. Corrections alone make no buyer.
scores as (
    select
        customer_key,
        1 + floor(5 * (rank() over (order by last_order_date asc) - 1) / (count(*) over ())) as recency_score,
        1 + floor(5 * (rank() over (order by orders asc) - 1) / (count(*) over ())) as frequency_score,
        1 + floor(5 * (rank() over (order by revenue asc) - 1) / (count(*) over ())) as monetary_score
    from order_facts
    where orders > 0
),

scored_customers as (
    select
        order_facts.*,
        scores.recency_score,
        scores.frequency_score,
        scores.monetary_score
    from order_facts
    left join scores using (customer_key)
)

select * from scored_customers
