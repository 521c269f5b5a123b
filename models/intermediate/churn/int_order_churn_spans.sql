-- One row per definition of churn by orders, customer and span of time in which the customer could churn by it.
-- By inactivity: from the first order, or a return, to the day on which the last order before a gap has become too old.
-- By single purchase: from the first order to the second one in its window, else to the end of the window.

{% set inactive_date = dbt.dateadd('day', var('inactivity_days'), 'order_date') %}
{% set lapsed_date = dbt.dateadd('day', var('inactivity_days'), 'previous_order_date') %}
{% set window_end_date = dbt.dateadd('day', var('single_purchase_days'), 'order_date') %}

with
orders as (select * from {{ ref('int_order_sequence') }} where customer_key is not null),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

-- An order on the very day on which the window ends is in time.
dated_orders as (
    select
        *,
        cast({{ inactive_date }} as date) as inactive_date,
        cast({{ window_end_date }} as date) as window_end_date,
        max(case when order_number = 1 or order_date > cast({{ lapsed_date }} as date) then order_date end) over (
            partition by customer_key
            order by order_number
        ) as active_since_date
    from orders
),

spans as (
    select
        'inactivity' as churn_definition,
        customer_key,
        active_since_date as start_date,
        inactive_date as end_date,
        true as is_lost,
        next_order_date as returned_on,
        first_order_date,
        combination_id
    from dated_orders
    where next_order_date is null or next_order_date > inactive_date
    union all
    select
        'single_purchase' as churn_definition,
        customer_key,
        order_date as start_date,
        case when next_order_date <= window_end_date then next_order_date else window_end_date end as end_date,
        next_order_date is null or next_order_date > window_end_date as is_lost,
        next_order_date as returned_on,
        first_order_date,
        combination_id
    from dated_orders
    where order_number = 1
),

-- What has not ended before as_of_date is still open.
known_spans as (
    select
        spans.churn_definition,
        spans.customer_key,
        spans.start_date,
        case when spans.end_date < as_of_date.as_of_date then spans.end_date end as end_date,
        spans.is_lost and spans.end_date < as_of_date.as_of_date as is_lost,
        case when spans.is_lost and spans.end_date < as_of_date.as_of_date then spans.returned_on end as returned_on,
        spans.first_order_date,
        spans.combination_id
    from spans
    cross join as_of_date
)

select * from known_spans
