-- One row per customer and month: the MRR that the spreadsheet says.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

{{ vendor_table('month_snapshots', 'month_snapshots') }}
