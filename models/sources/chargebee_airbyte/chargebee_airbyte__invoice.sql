-- One row per row of Chargebee's invoices.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'invoice') }}
