-- One row per customer; the table may be missing.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

{{ vendor_table('month_snapshots', 'customers') }}
