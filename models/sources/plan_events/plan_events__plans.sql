-- One row per plan.

{{ config(enabled = 'plan_events' in types_in_use()) }}

{{ vendor_table('plan_events', 'plans') }}
