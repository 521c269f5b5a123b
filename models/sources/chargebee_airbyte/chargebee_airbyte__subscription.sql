-- One row per row of Chargebee's subscriptions: the state of one at the time of the sync.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'subscription') }}
