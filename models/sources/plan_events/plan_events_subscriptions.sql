-- One row per event with a plan that changes anything, from it to the next such event of the same subscription, or of
-- the customer where events name no subscription. Of several events at one instant the last one by event_id holds.

{{ config(enabled = 'plan_events' in types_in_use(), materialized = 'table') }}

with
events as (
    select
        * replace (coalesce(lower(status), 'active') as status, coalesce(quantity, 1) as quantity),
        coalesce(subscription_id, customer_id) as own_id,
        try_cast(event_id as hugeint) as event_number,
        {{ instant('occurred_at') }} as event_at
    from {{ ref('plan_events__plan_events') }}
),

last_events as (
    select *
    from events
    qualify row_number() over (
            partition by source_name, own_id, event_at
            order by event_number desc, event_id desc, plan_id desc, quantity desc
        ) = 1
),

changes as (
    select *
    from last_events
    window history as (partition by source_name, own_id order by event_at)
    qualify (customer_id, plan_id, status, quantity)
        is distinct from lag((customer_id, plan_id, status, quantity)) over history
),

stretches as (
    select
        source_name,
        own_id,
        customer_id,
        plan_id,
        status,
        quantity,
        event_at,
        lead(event_at) over history as next_event_at,
        lead(plan_id) over history as next_plan_id,
        lead(reason) over history as next_reason
    from changes
    window history as (partition by source_name, own_id order by event_at)
)

select
    source_name,
    own_id as subscription_id,
    customer_id,
    plan_id,
    status,
    quantity,
    0 as discount_percent,
    event_at as started_at,
    next_event_at as ended_at,
    cast(null as timestamp) as cancel_requested_at,
    case when next_event_at is not null and next_plan_id is null then next_reason end as end_reason,
    cast(null as decimal(38, 10)) as amount
from stretches
where plan_id is not null
