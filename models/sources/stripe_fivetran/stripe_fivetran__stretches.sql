-- One row per item of a subscription and stretch of unchanged terms, status and coupons.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
states as (select * from {{ ref('stripe_fivetran__states') }}),

item_starts as (select * from {{ ref('stripe_fivetran__item_starts') }}),

discounts as (select * from {{ ref('stripe_fivetran__discounts') }}),

terms as (
    select
        terms.*,
        item_starts.subscription_id,
        item_starts.raw_subscription_id,
        case
            when terms.started_at = item_starts.known_from then item_starts.started_at
            else terms.started_at
        end as terms_from
    from {{ ref('stripe_fivetran__terms') }} as terms
    inner join item_starts using (item_key)
),

stretches as (
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
        states.started_at as state_started_at,
        states.ended_at as state_ended_at
    from terms
    inner join states
        on
            terms.source_name = states.source_name
            and terms.subscription_id = states.subscription_id
            and terms.terms_from < states.ended_at
            and terms.ended_at > states.started_at
)

select
    stretches.* exclude (started_at, ended_at),
    greatest(stretches.started_at, discounts.started_at) as started_at,
    least(stretches.ended_at, discounts.ended_at) as ended_at,
    coalesce(discounts.percent_left, 100) as percent_left,
    coalesce(discounts.amount_off, 0) as amount_off
from stretches
left join discounts
    on
        stretches.source_name = discounts.source_name
        and stretches.subscription_id = discounts.subscription_id
        and stretches.started_at < discounts.ended_at
        and stretches.ended_at > discounts.started_at
