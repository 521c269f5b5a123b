-- One row per definition of churn, customer and business date on which the customer was lost by it.

with
events as (select * from {{ ref('int_churn_events') }}),

customers as (select * from {{ ref('int_customers') }}),

plans as (select * from {{ ref('int_plans') }}),

churn_events as (
    select
        events.churn_definition,
        customers.customer_id,
        events.churned_on,
        cast(events.mrr_lost as decimal(38, 6)) as mrr_lost,
        events.churn_type,
        events.reason,
        cast(events.tenure_days as bigint) as tenure_days,
        events.tenure_band,
        plans.plan_id,
        plans.plan_name,
        events.tenure_days < {{ var('new_customer_days') }} as is_new_customer,
        events.returned_on
    from events
    inner join customers using (customer_key)
    left join plans using (plan_key)
)

select * from churn_events
