-- One row per item of a subscription: from when on it holds, and the id of the raw subscription that it becomes. The
-- first item goes by the id of the subscription itself.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
subscriptions as (select * from {{ ref('stripe_fivetran__spans') }} where is_last),

items as (
    select
        *,
        min(known_from) over (partition by source_name, subscription_id) as first_known_from
    from {{ ref('stripe_fivetran__items') }}
),

-- What a subscription was made with holds from its start on, which may lie before.
started as (
    select
        source_name,
        subscription_id,
        items.item_key,
        items.item_id,
        items.known_from,
        case
            when items.known_from <= {{ dbt.dateadd('minute', 1, 'items.first_known_from') }}
                or (
                    items.first_billed_at is null
                    and items.created_at <= {{ dbt.dateadd('minute', 1, 'subscriptions.subscription_created_at') }}
                )
                then subscriptions.subscription_started_at
            else items.known_from
        end as started_at
    from items
    inner join subscriptions using (source_name, subscription_id)
)

select
    source_name,
    subscription_id,
    item_key,
    known_from,
    started_at,
    case
        when row_number() over (partition by source_name, subscription_id order by started_at, item_id) = 1
            then subscription_id
        else subscription_id || '/' || item_id
    end as raw_subscription_id
from started
