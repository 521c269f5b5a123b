-- One row per version of Recurly's invoices.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'invoice_history') }}
