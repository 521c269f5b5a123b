-- One row per customer: the whole numbers that stand for the customer, and for a combination of attributes, between
-- models. Customers of one combination have the same value in every segment.

with
customers as (select * from {{ ref('stg_customers') }}),

-- Numbered by the order of the ids, so that equal input gives equal keys.
numbered_customers as (
    select
        customers.customer_id,
        customers.created_at,
        row_number() over (order by customers.customer_id) as customer_key,
        dense_rank() over (
            order by
                {%- for attribute in segment_attributes() %}
                    {{ segment_value(attribute) }},
                {%- endfor %}
                1
        ) as combination_id
    from customers
)

select * from numbered_customers
