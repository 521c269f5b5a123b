-- One row per customer; the table may be missing.

{{ config(enabled = 'plan_events' in types_in_use()) }}

{{ vendor_table('plan_events', 'customers') }}
