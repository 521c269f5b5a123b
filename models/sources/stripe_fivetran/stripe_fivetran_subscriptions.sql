-- One row per item of a subscription and stretch of unchanged terms, status and discount.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

{% set key = ['source_name', 'raw_subscription_id'] %}
{% set terms = ['plan_id', 'quantity', 'discount_percent', 'state_started_at'] %}
{% set carried = ['subscription_id', 'status', 'cancel_requested_at', 'end_reason', 'state_ended_at'] %}
{% set columns = (key + terms + carried + ['started_at', 'ended_at']) | join(', ') %}

with
customers as (
    select
        source_name,
        subscription_id,
        customer_id
    from {{ ref('stripe_fivetran__spans') }}
    where is_last
),

stretches as (select * from {{ ref('stripe_fivetran__stretches') }}),

-- An amount off is off all items together, so that what these cost together matters.
cost_changes as (
    select
        source_name,
        subscription_id,
        started_at as changed_at,
        price * quantity as cost_change
    from stretches
    where amount_off > 0
    union all
    select
        source_name,
        subscription_id,
        ended_at as changed_at,
        -price * quantity as cost_change
    from stretches
    where amount_off > 0
),

costs as (
    select
        source_name,
        subscription_id,
        changed_at as started_at,
        lead(changed_at) over subscription as ended_at,
        (sum(sum(cost_change)) over subscription) as total_cost
    from cost_changes
    group by source_name, subscription_id, changed_at
    window subscription as (partition by source_name, subscription_id order by changed_at)
),

priced as (
    select
        stretches.* exclude (started_at, ended_at),
        greatest(stretches.started_at, costs.started_at) as started_at,
        least(stretches.ended_at, costs.ended_at) as ended_at,
        least(
            100 - stretches.percent_left
            + coalesce({{ percent_off('stretches.amount_off', 'costs.total_cost') }}, 0),
            100
        ) as discount_percent
    from stretches
    left join costs
        on
            stretches.amount_off > 0
            and stretches.source_name = costs.source_name
            and stretches.subscription_id = costs.subscription_id
            and stretches.started_at < costs.ended_at
            and stretches.ended_at > costs.started_at
),

-- Most stretches last as long as their status, and have no neighbour to be one with.
compared as (
    select
        *,
        coalesce(started_at = state_started_at and ended_at = state_ended_at, false) as is_whole
    from priced
),

parts as (select * from compared where not is_whole),

merged as (
    select {{ columns }} from compared where is_whole
    union all
    select {{ columns }} from {{ merged_stretches('parts', key, terms, carried) }} as merged_parts
)

-- A request is of the stretch in which it was made and of those after it, the reason of the last one.
select
    source_name,
    merged.raw_subscription_id as subscription_id,
    customers.customer_id,
    merged.plan_id,
    merged.status,
    merged.quantity,
    merged.discount_percent,
    merged.started_at,
    nullif(merged.ended_at, {{ open_end() }}) as ended_at,
    case when merged.cancel_requested_at <= merged.ended_at then merged.cancel_requested_at end as cancel_requested_at,
    case when merged.ended_at = merged.state_ended_at then merged.end_reason end as end_reason,
    null as amount
from merged
inner join customers using (source_name, subscription_id)
