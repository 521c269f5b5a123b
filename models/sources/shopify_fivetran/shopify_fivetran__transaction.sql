-- One row per payment, refund or other movement of money, as Fivetran loads it.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

{{ vendor_table('shopify_fivetran', 'transaction') }}
