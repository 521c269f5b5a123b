-- One row per customer of the table of customers. Who is in events alone is added by the union of all sources.

{{ config(enabled = 'plan_events' in types_in_use()) }}

{{ own_customers('plan_events') }}
