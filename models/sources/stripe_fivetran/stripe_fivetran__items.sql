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
        min(period_start) as first_billed_at,
        max(case when begins_terms then period_end end) as billed_until,
        max(case when is_credit then period_start end) as credited_at,
        max(case when is_paid then period_end end) as paid_until,
        max(price_id) as price_id,
        max(quantity) as quantity,
        max(unit_amount) as unit_amount,
        min(price_id) <> max(price_id)
        or min(quantity) <> max(quantity)
        or min(unit_amount) <> max(unit_amount) as has_changed
    from {{ ref('stripe_fivetran__lines') }}
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
    billed_items.billed_until,
    billed_items.credited_at,
    billed_items.paid_until,
    coalesce(billed_items.price_id, items.plan_id) as price_id,
    coalesce(billed_items.quantity, items.quantity) as quantity,
    billed_items.unit_amount,
    coalesce(billed_items.has_changed, false) as has_changed
from items
full join billed_items using (source_name, item_id)
