-- One row per customer and run of orders: orders between which the customer never goes so long without one that it
-- would change their lifecycle stage. Few rows, though there may be many orders.

{# Orders of one day are of one run, even where declining_days is 0. #}
{% set longest_gap = [[var('declining_days'), var('inactivity_days')] | min | int, 1] | max %}

with
orders as (
    select
        *,
        previous_order_date is null
        or {{ dbt.dateadd('day', longest_gap, 'previous_order_date') }} <= order_date as is_first_of_run,
        next_order_date is null
        or {{ dbt.dateadd('day', longest_gap, 'order_date') }} <= next_order_date as is_last_of_run
    from {{ ref('int_order_sequence') }}
    where customer_key is not null
),

run_boundaries as (
    select
        customer_key,
        order_date,
        is_first_of_run,
        case
            when is_last_of_run then order_date
            else lead(order_date) over (partition by customer_key order by order_number)
        end as last_order_date
    from orders
    where is_first_of_run or is_last_of_run
),

runs as (
    select
        customer_key,
        order_date as first_order_date,
        last_order_date
    from run_boundaries
    where is_first_of_run
)

select * from runs
