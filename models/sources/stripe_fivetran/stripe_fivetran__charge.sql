-- One row per attempt to take money, as Fivetran loads it from Stripe.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

{{ vendor_table('stripe_fivetran', 'charge') }}
