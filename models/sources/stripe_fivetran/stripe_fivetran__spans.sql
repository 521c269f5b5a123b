-- One row per subscription and version of stripe_fivetran__versions: its span, and what the last version says of the
-- whole: the trial, the customer, whether it is over.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('stripe_fivetran__versions') }}),

payments as (
    select
        source_name,
        subscription_id,
        max(paid_until) as paid_until
    from {{ ref('stripe_fivetran__items') }}
    group by source_name, subscription_id
),

-- What the loader saw in another order than it happened begins no later than what follows.
ordered as (
    select
        *,
        first_value(begins_at) over subscription as subscription_started_at,
        greatest(first_value(begins_at) over subscription, min(begins_at) over from_here_on) as started_at,
        first_value(created_at) over subscription as subscription_created_at,
        last_value(customer_id) over subscription as last_customer_id,
        last_value(status) over subscription in ('canceled', 'unpaid') as is_over,
        last_value(state) over subscription = 'unpaid' as is_given_up,
        coalesce(last_value(trial_start) over subscription, {{ open_end() }}) as trial_from,
        coalesce(last_value(trial_end) over subscription, {{ open_end() }}) as trial_until
    from versions
    window
        subscription as (
            partition by source_name, subscription_id order by version_number
            rows between unbounded preceding and unbounded following
        ),
        from_here_on as (
            partition by source_name, subscription_id order by version_number
            rows between current row and unbounded following
        )
)

select
    source_name,
    subscription_id,
    ordered.last_customer_id as customer_id,
    ordered.subscription_created_at,
    ordered.subscription_started_at,
    ordered.is_last,
    ordered.is_over,
    ordered.is_given_up,
    ordered.state,
    ordered.started_at,
    coalesce(lead(ordered.started_at) over subscription, ordered.planned_end, {{ open_end() }}) as ended_at,
    -- What was paused or unpaid when it was first seen had been active as far as invoices were paid.
    case
        when ordered.version_number = 1 and ordered.state in ('paused', 'unpaid')
            then greatest(ordered.started_at, least(ordered.seen_at, coalesce(payments.paid_until, ordered.started_at)))
        else ordered.started_at
    end as state_from,
    -- Who cancels at once asks at the end of what has been so far.
    case
        when ordered.canceled_at is not null then ordered.canceled_at
        when lead(ordered.status) over subscription = 'canceled'
            and lead(ordered.canceled_at) over subscription >= lead(ordered.planned_end) over subscription
            then lead(ordered.canceled_at) over subscription
    end as cancel_requested_at,
    ordered.trial_from,
    ordered.trial_until,
    case when ordered.state = 'trialing' then ordered.trial_end end as own_trial_end
from ordered
left join payments using (source_name, subscription_id)
window subscription as (partition by source_name, subscription_id order by ordered.version_number)
