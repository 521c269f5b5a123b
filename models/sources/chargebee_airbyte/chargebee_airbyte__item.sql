-- One row per row of Chargebee's items: plans, add-ons and charges.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'item') }}
