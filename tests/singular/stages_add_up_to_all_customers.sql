-- At the closing of every period, the lifecycle stages add up to all customers who were known by then, counted from
-- sign-ups, stretches and orders.

with
known_dates as (
    select
        customer_key,
        {{ business_date('created_at') }} as known_date
    from {{ ref('int_customers') }}
    union all
    select
        customer_key,
        start_date as known_date
    from {{ ref('int_mrr_stretches') }}
    union all
    select
        customer_key,
        order_date as known_date
    from {{ ref('int_order_sequence') }}
    where customer_key is not null
),

customers as (
    select
        customer_key,
        min(known_date) as known_date
    from known_dates
    group by customer_key
),

customers_by_date as (
    select
        customers.known_date,
        count(*) as customers
    from customers
    inner join {{ ref('int_as_of_date') }} as as_of_date on customers.known_date < as_of_date.as_of_date
    group by customers.known_date
),

closings as (
    select
        period_grain,
        period_end_date,
        sum(customers) as customers
    from {{ ref('lifecycle_by_period') }}
    where segment = 'all'
    group by period_grain, period_end_date
)

select
    closings.period_grain,
    closings.period_end_date,
    closings.customers,
    sum(customers_by_date.customers) as known_customers
from closings
left join customers_by_date on closings.period_end_date >= customers_by_date.known_date
group by closings.period_grain, closings.period_end_date, closings.customers
having closings.customers is distinct from sum(customers_by_date.customers)
