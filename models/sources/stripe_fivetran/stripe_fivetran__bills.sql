-- One row per invoice that bills something: no draft, and neither void, deleted nor of test mode.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

select
    source_name,
    id as invoice_id,
    subscription_id,
    status = 'paid' as is_paid
from {{ ref('stripe_fivetran__invoice') }}
where coalesce(livemode, true) and not coalesce(is_deleted, false) and status in ('paid', 'open', 'uncollectible')
