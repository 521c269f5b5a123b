-- One row per basis and segment value: the business date of its first paid start (subscription), of its first countable
-- order (order), or of the first sign of life of one of its customers (lifecycle): sign-up, start or order.

with
stretches as (
    select
        combination_id,
        plan_key,
        min(start_date) as first_date,
        min(start_date) filter (where mrr > 0) as first_paid_date
    from {{ ref('int_mrr_stretches') }}
    group by combination_id, plan_key
),

orders as (
    select
        combination_id,
        min(order_date) as first_date,
        min(order_date) filter (where customer_key is not null) as first_customer_date
    from {{ ref('int_order_sequence') }}
    group by combination_id
),

sign_ups as (
    select
        customers.combination_id,
        min({{ business_date('customers.created_at') }}) as first_date
    from {{ ref('int_customers') }} as customers
    cross join {{ ref('int_as_of_date') }} as as_of_date
    where {{ business_date('customers.created_at') }} < as_of_date.as_of_date
    group by customers.combination_id
),

segments as (select * from {{ ref('int_segments') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

dates_by_combination as (
    select
        'subscription' as basis,
        combination_id,
        first_paid_date as first_date
    from stretches
    union all
    select
        'order' as basis,
        combination_id,
        first_date
    from orders
    union all
    select
        'lifecycle' as basis,
        combination_id,
        first_date
    from sign_ups
    union all
    select
        'lifecycle' as basis,
        combination_id,
        first_date
    from stretches
    union all
    select
        'lifecycle' as basis,
        combination_id,
        first_customer_date as first_date
    from orders
),

dates_by_value as (
    select
        dates.basis,
        segments.segment_id,
        segments.segment,
        segments.segment_value,
        dates.first_date
    from dates_by_combination as dates
    inner join segments using (combination_id)
    union all
    select
        'subscription' as basis,
        plan_segments.segment_id,
        plan_segments.segment,
        plan_segments.segment_value,
        stretches.first_paid_date as first_date
    from stretches
    inner join plan_segments using (plan_key)
),

first_days as (
    select
        basis,
        segment_id,
        segment,
        segment_value,
        min(first_date) as first_date
    from dates_by_value
    where first_date is not null
    group by basis, segment_id, segment, segment_value
)

select * from first_days
