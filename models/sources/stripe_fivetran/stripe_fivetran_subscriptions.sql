-- One row per item of a subscription and stretch of unchanged terms, status and discount.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
customers as (
    select
        source_name,
        subscription_id,
        customer_id
    from {{ ref('stripe_fivetran__spans') }}
    where is_last
),

discounts as (select * from {{ ref('stripe_fivetran__discounts') }}),

item_stretches as (select * from {{ ref('stripe_fivetran__stretches') }}),

discounted as (
    select
        item_stretches.* exclude (started_at, ended_at),
        coalesce(discounts.percent_left, 100) as percent_left,
        coalesce(discounts.amount_off, 0) as amount_off,
        greatest(item_stretches.started_at, discounts.started_at) as started_at,
        least(item_stretches.ended_at, discounts.ended_at) as ended_at
    from item_stretches
    left join discounts
        on
            item_stretches.source_name = discounts.source_name
            and item_stretches.subscription_id = discounts.subscription_id
            and item_stretches.started_at < discounts.ended_at
            and item_stretches.ended_at > discounts.started_at
),

-- An amount off is off all items together, so that what these cost together matters.
cost_changes as (
    select
        source_name,
        subscription_id,
        started_at as changed_at,
        price * quantity as change
    from discounted
    where amount_off > 0
    union all
    select
        source_name,
        subscription_id,
        ended_at as changed_at,
        -price * quantity as change
    from discounted
    where amount_off > 0
),

costs as (
    select
        source_name,
        subscription_id,
        changed_at as started_at,
        lead(changed_at) over subscription as ended_at,
        (sum(sum(change)) over subscription) as cost
    from cost_changes
    group by source_name, subscription_id, changed_at
    window subscription as (partition by source_name, subscription_id order by changed_at)
),

priced as (
    select
        discounted.* exclude (started_at, ended_at),
        greatest(discounted.started_at, costs.started_at) as started_at,
        least(discounted.ended_at, costs.ended_at) as ended_at,
        {{ discount_percent('discounted.percent_left', 'discounted.amount_off', 'costs.cost') }} as discount_percent
    from discounted
    left join costs
        on
            discounted.amount_off > 0
            and discounted.source_name = costs.source_name
            and discounted.subscription_id = costs.subscription_id
            and discounted.started_at < costs.ended_at
            and discounted.ended_at > costs.started_at
),

named as (
    select
        priced.source_name,
        priced.raw_subscription_id as subscription_id,
        customers.customer_id,
        priced.plan_id,
        priced.status,
        priced.quantity,
        priced.discount_percent,
        priced.started_at,
        priced.ended_at,
        case when priced.cancel_requested_at <= priced.ended_at then priced.cancel_requested_at end
            as cancel_requested_at,
        case when priced.ended_at = priced.state_ended_at then priced.end_reason end as end_reason
    from priced
    inner join customers using (source_name, subscription_id)
)

select
    source_name,
    subscription_id,
    customer_id,
    plan_id,
    status,
    quantity,
    discount_percent,
    started_at,
    nullif(ended_at, {{ open_end() }}) as ended_at,
    cancel_requested_at,
    end_reason,
    null as amount
from {{ merged_stretches(
    'named',
    ['source_name', 'subscription_id', 'customer_id'],
    ['plan_id', 'status', 'quantity', 'discount_percent', 'cancel_requested_at', 'end_reason']
) }} as merged
