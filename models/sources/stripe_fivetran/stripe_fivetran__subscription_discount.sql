-- One row per coupon redeemed by a subscription, as Fivetran loads it from Stripe.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

{{ vendor_table('stripe_fivetran', 'subscription_discount') }}
