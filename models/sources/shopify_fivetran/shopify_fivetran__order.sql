-- One row per order of the shop, as Fivetran loads it.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

{{ vendor_table('shopify_fivetran', 'order') }}
