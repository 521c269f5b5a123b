-- One row per customer of the table of customers. Who is in snapshots alone is added by the union of all sources.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

{{ own_customers('month_snapshots') }}
