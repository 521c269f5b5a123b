-- One row per item of a subscription and stretch of unchanged terms and status, before discounts.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
states as (select * from {{ ref('stripe_fivetran__states') }}),

item_starts as (select * from {{ ref('stripe_fivetran__item_starts') }}),

terms as (
    select
        terms.*,
        item_starts.raw_subscription_id,
        case
            when terms.started_at = item_starts.known_from then item_starts.started_at
            else terms.started_at
        end as terms_from
    from {{ ref('stripe_fivetran__terms') }} as terms
    inner join item_starts using (source_name, item_id)
)

select
    terms.source_name,
    terms.subscription_id,
    terms.raw_subscription_id,
    terms.plan_id,
    terms.price,
    terms.quantity,
    states.status,
    greatest(terms.terms_from, states.started_at) as started_at,
    least(terms.ended_at, states.ended_at) as ended_at,
    states.cancel_requested_at,
    states.end_reason,
    states.ended_at as state_ended_at
from terms
inner join states
    on
        terms.source_name = states.source_name
        and terms.subscription_id = states.subscription_id
        and terms.terms_from < states.ended_at
        and terms.ended_at > states.started_at
