-- One row per subscription and version of it that changes its status, its trial or a request to cancel, and the last
-- one: from when on it holds. Stripe's own instants come before those at which the loader saw them.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
versions as (
    select
        *,
        id as subscription_id,
        coalesce(_fivetran_start, created) as seen_at,
        case
            when status = 'canceled' then null
            when status in ('active', 'past_due') and pause_collection_behavior in ('void', 'mark_uncollectible')
                then 'paused'
            else status
        end as own_state
    from {{ ref('stripe_fivetran__subscription_history') }}
    where coalesce(livemode, true)
),

-- A cancelled subscription was until its end what it had been before. Of two versions seen at one instant the one that
-- tells of an end or a request is the later.
compared as (
    select
        *,
        coalesce(last_value(own_state ignore nulls) over subscription, 'active') as state,
        row_number() over subscription as version_number,
        lead(seen_at) over subscription is null as is_last,
        lag(own_state) over subscription as previous_state,
        lag(canceled_at) over subscription as previous_canceled_at,
        lag(trial_end) over subscription as previous_trial_end,
        lag(pause_collection_resumes_at) over subscription as previous_resumes_at
    from versions
    window subscription as (
        partition by source_name, subscription_id
        order by seen_at, ended_at nulls first, canceled_at nulls first, own_state
    )
)

select
    source_name,
    subscription_id,
    customer_id,
    status,
    state,
    version_number,
    is_last,
    seen_at,
    case
        when version_number = 1 then coalesce(start_date, created, seen_at)
        when canceled_at <= coalesce(ended_at, seen_at) and coalesce(canceled_at <> previous_canceled_at, true)
            then canceled_at
        when status = 'canceled' then coalesce(ended_at, seen_at)
        when previous_state = 'trialing' and state <> 'trialing' and trial_end <= seen_at then trial_end
        when previous_state = 'paused' and state <> 'paused' and previous_resumes_at <= seen_at
            then previous_resumes_at
        else seen_at
    end as begins_at,
    coalesce(created, start_date, seen_at) as created_at,
    coalesce(ended_at, case
        when status = 'canceled' then seen_at
        when cancel_at is not null then cancel_at
        when cancel_at_period_end then current_period_end
    end) as planned_end,
    canceled_at,
    case when trial_start < trial_end then trial_start end as trial_start,
    case when trial_start < trial_end then trial_end end as trial_end
from compared
where version_number = 1 or is_last
    or own_state is distinct from previous_state
    or canceled_at is distinct from previous_canceled_at
    or (state = 'trialing' and trial_end is distinct from previous_trial_end)
