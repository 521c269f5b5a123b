-- One row per event: from this instant on, the customer has this plan, or none.

{{ config(enabled = 'plan_events' in types_in_use()) }}

{{ vendor_table('plan_events', 'plan_events') }}
