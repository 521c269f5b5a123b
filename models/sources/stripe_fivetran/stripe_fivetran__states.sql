-- One row per subscription and stretch of unchanged status and request to cancel. There is none of the time before the
-- first payment, of the time in which Stripe has given up collecting, and after the end.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
spans as (select * from {{ ref('stripe_fivetran__spans') }}),

states as (
    select
        source_name,
        subscription_id,
        is_over,
        is_given_up,
        state,
        state_from as started_at,
        ended_at,
        cancel_requested_at,
        trial_from,
        trial_until,
        coalesce(own_trial_end, {{ open_end() }}) as own_trial_end
    from spans
    where state in ('trialing', 'active', 'past_due', 'paused')
    union all
    select
        source_name,
        subscription_id,
        is_over,
        is_given_up,
        'active' as state,
        started_at,
        state_from as ended_at,
        null as cancel_requested_at,
        trial_from,
        trial_until,
        {{ open_end() }} as own_trial_end
    from spans
    where started_at < state_from
),

-- The dates of the trial count more than the status, and a trial that is over is not paid before a version says so.
parts as (
    select
        states.source_name,
        states.subscription_id,
        states.is_over,
        states.is_given_up,
        case when parts.name = 'trial' then 'trialing' else states.state end as status,
        states.cancel_requested_at,
        case parts.name
            when 'before' then states.started_at
            when 'trial' then greatest(states.started_at, states.trial_from)
            else greatest(states.started_at, states.trial_until)
        end as started_at,
        case parts.name
            when 'before' then least(states.ended_at, states.own_trial_end, states.trial_from)
            when 'trial' then least(states.ended_at, states.trial_until)
            else least(states.ended_at, states.own_trial_end)
        end as ended_at
    from states
    cross join (values ('before'), ('trial'), ('after')) as parts (name)
    where parts.name = 'before' or states.trial_from < states.ended_at
),

-- A request is of the stretch in which it was made and of those after it.
requested as (
    select * replace (case when cancel_requested_at <= ended_at then cancel_requested_at end as cancel_requested_at)
    from parts
),

ended as (
    select
        *,
        is_last_stretch and is_over as is_end,
        status = 'past_due' or is_given_up as is_failure
    from {{ merged_stretches(
        'requested', ['source_name', 'subscription_id'], ['status', 'cancel_requested_at'],
        carried=['is_over', 'is_given_up']
    ) }} as merged_stretches
)

select
    source_name,
    subscription_id,
    status,
    started_at,
    ended_at,
    case when not (is_end and is_failure) then cancel_requested_at end as cancel_requested_at,
    case
        when is_end and is_failure then 'payment_failed'
        when is_end then 'cancellation_requested'
    end as end_reason
from ended
