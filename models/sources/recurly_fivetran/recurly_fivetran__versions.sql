-- One row per subscription that has begun and version of it: from when to when it held, and what ended it.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('recurly_fivetran__subscription_history') }}),

ordered as (
    select
        *,
        state = 'expired' as is_over,
        (row_number() over versions_in_order) as version_number,
        (lag(state) over versions_in_order) as state_before,
        (lag(updated_at) over versions_in_order) as updated_before,
        (lag(current_period_started_at) over versions_in_order) as period_before,
        (max(coalesce(loaded_at, updated_at)) over (partition by source_name)) as known_until
    from versions
    where activated_at is not null and state not in ('failed', 'future')
    window versions_in_order as (partition by source_name, id order by updated_at, loaded_at)
),

-- Recurly's own instant of what is new in a version, where it lies before the version was written. A renewal is written
-- within two hours.
dated as (
    select
        *,
        case
            when version_number = 1 then activated_at
            when is_over then least(expires_at, updated_at)
            when state = 'canceled' and state_before <> 'canceled'
                then least(greatest(coalesce(canceled_at, updated_at), updated_before), updated_at)
            when state = 'paused' and state_before <> 'paused' then least(paused_at, updated_at)
            when current_period_started_at > period_before
                and current_period_started_at >= updated_at - interval 2 hours
                then least(greatest(current_period_started_at, updated_before), updated_at)
            else updated_at
        end as valid_from,
        case
            when is_over then coalesce(expires_at, updated_at)
            when state = 'canceled' then expires_at
        end as own_end,
        case
            when state = 'canceled' then canceled_at
            when is_over and coalesce(expiration_reason, '') not like 'nonpayment%'
                and coalesce(expiration_reason, '') <> 'tax_location_invalid'
                then canceled_at
        end as own_request
    from ordered
),

-- What is known later holds, also where it reaches back.
standing as (
    select *
    from dated
    qualify coalesce(valid_from < min(valid_from) over (
            partition by source_name, id order by version_number rows between 1 following and unbounded following
        ), true)
)

-- An expired version says how the one before it ended. What follows a trial is not known before the trial is over.
select
    *,
    least(
        lead(valid_from) over subscription_versions,
        own_end,
        case when trial_ends_at > known_until then trial_ends_at end
    ) as valid_until,
    case
        when lead(is_over) over subscription_versions
            then coalesce(own_request, lead(own_request) over subscription_versions)
        else own_request
    end as requested_at,
    case
        when lead(is_over) over subscription_versions then lead(expiration_reason) over subscription_versions
        when is_over then expiration_reason
    end as end_reason,
    is_over or coalesce(lead(is_over) over subscription_versions, false) as has_ended
from standing
window subscription_versions as (partition by source_name, id order by version_number)
