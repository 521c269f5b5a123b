-- One row per customer and business date on which they become or cease to be a subscriber: somebody with a live
-- subscription, paid, free or on trial, that is not paused.

with
live_stretches as (select * from {{ ref('int_mrr_stretches') }} where status <> 'paused'),

deltas as (
    select
        customer_key,
        combination_id,
        start_date as change_date,
        1 as subscription_delta
    from live_stretches
    union all
    select
        customer_key,
        combination_id,
        end_date as change_date,
        -1 as subscription_delta
    from live_stretches
    where end_date is not null
),

balances as (
    select
        customer_key,
        combination_id,
        change_date,
        sum(subscription_delta) as subscription_change,
        (sum(sum(subscription_delta)) over (partition by customer_key order by change_date)) as subscriptions
    from deltas
    group by customer_key, combination_id, change_date
),

changes as (
    select
        customer_key,
        combination_id,
        change_date,
        cast(subscriptions > 0 as integer) - cast(subscriptions > subscription_change as integer) as subscriber_change
    from balances
),

subscriber_changes as (select * from changes where subscriber_change <> 0)

select * from subscriber_changes
