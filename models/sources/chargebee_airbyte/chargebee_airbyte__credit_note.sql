-- One row per row of Chargebee's credit notes.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'credit_note') }}
