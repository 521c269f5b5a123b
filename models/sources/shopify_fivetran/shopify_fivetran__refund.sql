-- One row per refund, as Fivetran loads it. Those of the GraphQL connector know their amount.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

{{ vendor_table('shopify_fivetran', 'refund') }}
