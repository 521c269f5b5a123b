-- One row per version of Recurly's subscriptions.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'subscription_history') }}
