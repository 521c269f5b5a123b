-- One row per started subscription and state of it that Chargebee tells, in events and the row of now: from when to
-- when it held, and what ended it. Subscriptions that are deleted are left out.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
states as (select * from {{ ref('chargebee_airbyte__states') }}),

started as (
    select
        *,
        status in ('cancelled', 'transferred') as is_over,
        case
            when is_over then coalesce(cancelled_at, seen_at)
            when status = 'non_renewing' then coalesce(cancelled_at, current_term_end)
            when status = 'in_trial' then least(cancelled_at, trial_end)
            when status = 'paused' then cancelled_at
        end as own_end,
        case
            when is_over and cancel_reason is null then coalesce(cancel_schedule_created_at, cancelled_at)
            when status = 'non_renewing' or (status in ('in_trial', 'paused') and cancelled_at is not null)
                then cancel_schedule_created_at
        end as own_request,
        case when is_over then coalesce(cancel_reason_code, cancel_reason, 'cancellation_requested') end as own_reason
    from states
    where status <> 'future' and started_at is not null
    qualify not bool_or(coalesce(is_deleted, false)) over (partition by source_name, subscription_id)
),

ordered as (
    select
        *,
        (row_number() over states_in_order) as version_number,
        (lag(status) over states_in_order) as status_before,
        (lag(is_over) over states_in_order) as was_over_before,
        (lag(cancelled_at) over states_in_order) as cancelled_before,
        (lag(due_since) over states_in_order) as due_before,
        (lag(own_request) over states_in_order) as request_before,
        (lag(seen_at) over states_in_order) as seen_before
    from started
    window states_in_order as (partition by source_name, subscription_id order by seen_at, resource_version, seen_in)
),

-- The vendor's own instant of what is new in a state, where it lies before the event that tells of it.
dated as (
    select
        *,
        case
            when version_number = 1 then started_at
            when is_over then least(cancelled_at, seen_at)
            when status = 'paused' and status_before <> 'paused' then least(pause_date, seen_at)
            when status_before = 'in_trial' and status <> 'in_trial' and coalesce(activated_at, trial_end) < seen_at
                then coalesce(activated_at, trial_end)
            when was_over_before and activated_at > cancelled_before then least(activated_at, seen_at)
            when own_request < seen_at and not coalesce(own_request = request_before, false)
                then greatest(own_request, seen_before)
            when due_before is null and due_since < seen_at then greatest(due_since, seen_before)
            else seen_at
        end as valid_from
    from ordered
),

-- What is known later holds, also where it reaches back: a cancellation as of last week.
standing as (
    select *
    from dated
    qualify coalesce(valid_from < min(valid_from) over (
            partition by source_name, subscription_id
            order by version_number rows between 1 following and unbounded following
        ), true)
)

-- A cancelled state says how the one before it ended.
select
    *,
    least(lead(valid_from) over versions, own_end) as valid_until,
    case
        when lead(is_over) over versions then coalesce(own_request, lead(own_request) over versions)
        else own_request
    end as requested_at,
    case when lead(is_over) over versions then lead(own_reason) over versions else own_reason end as end_reason
from standing
window versions as (partition by source_name, subscription_id order by version_number)
