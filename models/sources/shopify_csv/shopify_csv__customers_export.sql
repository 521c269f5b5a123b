-- One row per customer of Shopify's customers_export.csv, which may be missing.

{{ config(enabled = 'shopify_csv' in types_in_use()) }}

{{ vendor_table('shopify_csv', 'customers_export') }}
