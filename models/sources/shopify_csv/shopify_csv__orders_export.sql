-- One row per line of Shopify's orders_export.csv: an order, or a further item of one.

{{ config(enabled = 'shopify_csv' in types_in_use(), materialized = 'table') }}

{{ vendor_table('shopify_csv', 'orders_export') }}
