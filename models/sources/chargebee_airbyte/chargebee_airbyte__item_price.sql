-- One row per row of Chargebee's item prices: what an item costs in a currency and period.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

{{ vendor_table('chargebee_airbyte', 'item_price') }}
