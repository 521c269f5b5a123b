-- One row per customer and segment that is not of plans: the value that the customer belongs to.

with
customers as (select * from {{ ref('int_customers') }}),

segments as (select * from {{ ref('int_segments') }}),

customer_segments as (
    select
        customers.customer_id,
        segments.segment,
        segments.segment_value
    from customers
    inner join segments using (combination_id)
)

select * from customer_segments
