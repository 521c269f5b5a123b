-- One row per item, price and quantity that invoices bill for it, at one amount: from which line to which, and when what
-- was paid in advance was given back.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

select
    source_name,
    item_id,
    price_id,
    quantity,
    billed_price,
    max(subscription_id) as subscription_id,
    min(period_start) as first_billed_at,
    min(case when begins_terms then period_start end) as first_from,
    max(case when begins_terms then period_start end) as last_from,
    max(case when begins_terms then period_end end) as billed_until,
    max(case when is_credit then period_start end) as credited_at,
    max(case when is_paid then period_end end) as paid_until
from {{ ref('stripe_fivetran__lines') }}
group by source_name, item_id, price_id, quantity, billed_price
