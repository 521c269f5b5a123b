-- One row per customer, as Fivetran loads it from Stripe.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

{{ vendor_table('stripe_fivetran', 'customer') }}
