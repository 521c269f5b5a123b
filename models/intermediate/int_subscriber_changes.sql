-- One row per customer and business date on which he becomes or ceases to be a subscriber: somebody with a live
-- subscription, paid, free or on trial, that is not paused.

with
live_stretches as (select * from {{ ref('int_mrr_stretches') }} where status <> 'paused'),

customers as (select * from {{ ref('stg_customers') }}),

deltas as (
    select
        customer_id,
        start_date as change_date,
        1 as subscription_delta
    from live_stretches
    union all
    select
        customer_id,
        end_date as change_date,
        -1 as subscription_delta
    from live_stretches
    where end_date is not null
),

balances as (
    select
        customer_id,
        change_date,
        sum(subscription_delta) as subscription_change,
        sum(sum(subscription_delta)) over (partition by customer_id order by change_date) as subscriptions
    from deltas
    group by customer_id, change_date
),

changes as (
    select
        balances.customer_id,
        balances.change_date,
        cast(balances.subscriptions > 0 as integer)
        - cast(balances.subscriptions > balances.subscription_change as integer) as subscriber_change,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel
    from balances
    left join customers using (customer_id)
),

subscriber_changes as (select * from changes where subscriber_change <> 0)

select * from subscriber_changes
