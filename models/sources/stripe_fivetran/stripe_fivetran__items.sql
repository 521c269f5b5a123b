-- One row per item that a subscription has or was once billed for: what it is now, from when on and until when it was
-- billed, and when what was paid in advance was given back.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
items as (
    select
        *,
        id as item_id
    from {{ ref('stripe_fivetran__subscription_item') }}
),

billed_items as (
    select
        source_name,
        item_id,
        max(subscription_id) as subscription_id,
        min(first_billed_at) as first_billed_at,
        min(first_from) is not null as is_billed,
        max(billed_until) as billed_until,
        max(credited_at) as credited_at,
        max(paid_until) as paid_until
    from {{ ref('stripe_fivetran__billed') }}
    group by source_name, item_id
)

select
    source_name,
    item_id,
    coalesce(items.subscription_id, billed_items.subscription_id) as subscription_id,
    items.id is not null as is_current,
    items.created as created_at,
    coalesce(billed_items.first_billed_at, items.created, cast('1970-01-01' as timestamp)) as known_from,
    billed_items.first_billed_at,
    coalesce(billed_items.is_billed, false) as is_billed,
    billed_items.billed_until,
    billed_items.credited_at,
    billed_items.paid_until,
    items.plan_id as price_id,
    items.quantity
from items
full join billed_items using (source_name, item_id)
