-- One row per row of the plans of Chargebee's first product catalog.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'plan') }}
