-- One row per item that a subscription has or was once billed for: what it is now, from when on and until when it was
-- billed, and when what was paid in advance was given back. What is known of an item later goes by its item_key.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
items as (
    select
        *,
        id as item_id
    from {{ ref('stripe_fivetran__subscription_item') }}
),

bills as (select * from {{ ref('stripe_fivetran__bills') }}),

billed_items as (
    select
        source_name,
        item_lines.item_id,
        max(coalesce(item_lines.subscription_id, bills.subscription_id)) as subscription_id,
        min(item_lines.period_start) as first_billed_at,
        max(case when item_lines.begins_terms then item_lines.period_end end) as billed_until,
        max(case when item_lines.is_credit then item_lines.period_start end) as credited_at,
        max(case when item_lines.amount > 0 and bills.is_paid then item_lines.period_end end) as paid_until,
        max(item_lines.price_id) as price_id,
        max(item_lines.quantity) as quantity,
        max(item_lines.unit_amount) as unit_amount,
        min(item_lines.price_id) <> max(item_lines.price_id)
        or min(item_lines.quantity) <> max(item_lines.quantity)
        or min(item_lines.unit_amount) <> max(item_lines.unit_amount) as has_changed
    from {{ ref('stripe_fivetran__lines') }} as item_lines
    inner join bills using (source_name, invoice_id)
    group by source_name, item_lines.item_id
)

select
    source_name,
    item_id,
    row_number() over () as item_key,
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
