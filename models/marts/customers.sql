-- One row per customer, as known at as_of_date.

with

customers as (select * from {{ ref('stg_customers') }}),

paid_stretches as (

    select *
    from {{ ref('int_mrr_stretches') }}
    where mrr > 0

),

orders as (select * from {{ ref('int_order_sequence') }}),

subscription_facts as (

    select
        customer_id,
        min(started_at) as first_paid_at,
        max(ended_at) as last_ended_at,
        coalesce(sum(mrr) filter (where ended_at is null), 0) as current_mrr

    from paid_stretches
    group by customer_id

),

order_facts as (

    select
        customer_id,
        count(*) as orders,
        sum(revenue) as revenue,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        {{ ratio(dbt.datediff('min(order_date)', 'max(order_date)', 'day'), 'count(*) - 1') }}
            as average_days_between_orders

    from orders
    where customer_id is not null
    group by customer_id

),

described_customers as (

    select
        customers.customer_id,
        customers.created_at,
        customers.country,
        customers.acquisition_channel,
        subscription_facts.first_paid_at,
        case when subscription_facts.current_mrr = 0 then subscription_facts.last_ended_at end as churned_at,
        cast(coalesce(subscription_facts.current_mrr, 0) as decimal(38, 6)) as current_mrr,
        coalesce(subscription_facts.current_mrr > 0, false) as is_paying,
        coalesce(order_facts.orders, 0) as orders,
        cast(coalesce(order_facts.revenue, 0) as decimal(38, 10)) as revenue,
        order_facts.first_order_at,
        order_facts.last_order_at,
        cast({{ ratio('order_facts.revenue', 'order_facts.orders') }} as decimal(18, 6)) as average_order_value,
        order_facts.average_days_between_orders

    from customers
    left join subscription_facts
        on customers.customer_id = subscription_facts.customer_id
    left join order_facts
        on customers.customer_id = order_facts.customer_id

)

select * from described_customers
