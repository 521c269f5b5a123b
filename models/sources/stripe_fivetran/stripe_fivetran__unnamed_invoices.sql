-- One row per charge that does not name the invoice that it pays, as newer ones do not: the invoice that names the
-- charge, or the same intent to pay.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
charges as (select * from {{ ref('stripe_fivetran__charge') }} where invoice_id is null),

pairs as (
    select
        charges.source_name,
        charges.id as charge_id,
        invoices.id as invoice_id
    from charges
    inner join {{ ref('stripe_fivetran__invoice') }} as invoices
        on charges.source_name = invoices.source_name and charges.id = invoices.charge_id
    union all
    select
        charges.source_name,
        charges.id as charge_id,
        invoices.id as invoice_id
    from charges
    inner join {{ ref('stripe_fivetran__invoice') }} as invoices
        on charges.source_name = invoices.source_name and charges.payment_intent_id = invoices.payment_intent_id
)

select
    source_name,
    charge_id,
    min(invoice_id) as invoice_id
from pairs
group by source_name, charge_id
