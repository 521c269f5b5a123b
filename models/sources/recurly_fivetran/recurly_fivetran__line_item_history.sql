-- One row per version of a line of Recurly's invoices.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'line_item_history') }}
