-- One row per line of an invoice, as Fivetran loads it from Stripe.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

{{ vendor_table('stripe_fivetran', 'invoice_line_item') }}
