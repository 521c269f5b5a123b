-- One row per customer, as known at as_of_date.

with
customers as (select * from {{ ref('stg_customers') }}),

customer_keys as (select * from {{ ref('int_customers') }}),

paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

orders as (select * from {{ ref('int_customer_orders') }}),

stages as (select * from {{ ref('int_lifecycle_ledger') }} where next_stage_date is null),

signals as (select * from {{ ref('int_subscription_signals') }}),

activity as (select * from {{ ref('int_customer_activity') }}),

risks as (select * from {{ ref('int_customer_risks') }}),

headroom as (select * from {{ ref('int_upsell_headroom') }}),

rfm_segments as (select * from {{ ref('rfm_segments') }}),

plans as (select * from {{ ref('int_plans') }}),

-- The plan of the highest MRR.
current_plans as (
    select
        ledger.customer_key,
        plans.plan_id,
        plans.plan_name
    from {{ ref('int_mrr_ledger') }} as ledger
    inner join plans on ledger.closing_plan_key = plans.plan_key
    where ledger.next_movement_date is null
),

subscription_facts as (
    select
        customer_key,
        min(started_at) as first_paid_at,
        max(ended_at) as last_ended_at,
        coalesce(sum(mrr) filter (where ended_at is null), 0) as current_mrr
    from paid_stretches
    group by customer_key
),

described_customers as (
    select
        customers.customer_id,
        customers.created_at,
        customers.country,
        customers.acquisition_channel,
        current_plans.plan_id,
        current_plans.plan_name,
        subscription_facts.first_paid_at,
        case when subscription_facts.current_mrr = 0 then subscription_facts.last_ended_at end as churned_at,
        cast(coalesce(subscription_facts.current_mrr, 0) as decimal(38, 6)) as current_mrr,
        coalesce(subscription_facts.current_mrr > 0, false) as is_paying,
        cast(coalesce(orders.orders, 0) as bigint) as orders,
        cast(coalesce(orders.revenue, 0) as decimal(38, 10)) as revenue,
        orders.first_order_at,
        orders.last_order_at,
        {{ rounded(ratio('orders.revenue', 'orders.orders'), 6) }} as average_order_value,
        {{ ratio('orders.days_from_first_to_last_order', 'orders.orders - 1') }} as average_days_between_orders,
        coalesce(stages.stage_after, 'prospect') as lifecycle_stage,
        coalesce(risks.is_at_risk, false) as is_at_risk,
        risks.risk_reasons,
        coalesce(signals.trial_ends_within_72_hours, false) as trial_ends_within_72_hours,
        coalesce(signals.trial_ends_within_24_hours, false) as trial_ends_within_24_hours,
        cast(orders.recency_score as bigint) as recency_score,
        cast(orders.frequency_score as bigint) as frequency_score,
        cast(orders.monetary_score as bigint) as monetary_score,
        rfm_segments.rfm_segment,
        cast(headroom.upsell_headroom_mrr as decimal(38, 6)) as upsell_headroom_mrr,
        activity.last_activity_on,
        cast(coalesce(activity.events_last_30_days, 0) as bigint) as events_last_30_days
    from customers
    inner join customer_keys using (customer_id)
    left join subscription_facts using (customer_key)
    left join current_plans using (customer_key)
    left join orders using (customer_key)
    left join stages using (customer_key)
    left join signals using (customer_key)
    left join activity using (customer_key)
    left join risks using (customer_key)
    left join headroom using (customer_key)
    left join rfm_segments using (recency_score, frequency_score)
)

select * from described_customers
