-- One row per combination of attributes and segment of customers: the value that its customers belong to.
-- Facts carry the combination; roll-ups add up by it first and join this once.

with
customers as (select * from {{ ref('stg_customers') }}),

-- Orders of guests have no customer, and so no attributes: they are combination 0.
combinations as (
    select
        combination_id,
        min(customer_id) as customer_id
    from {{ ref('int_customers') }}
    group by combination_id
    union all
    select
        0 as combination_id,
        null as customer_id
),

segments as (
    select
        combination_id,
        'all' as segment,
        'all' as segment_value
    from combinations
    {%- for segment in customer_segments() %}
        union all
        select
            combinations.combination_id,
            '{{ segment | replace("'", "''") }}' as segment,
            {{ segment_value(segment) }} as segment_value
        from combinations
        left join customers using (customer_id)
    {%- endfor %}
),

numbered_segments as (
    select
        *,
        dense_rank() over (order by segment, segment_value) as segment_id
    from segments
)

select * from numbered_segments
