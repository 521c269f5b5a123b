-- One row per version of Recurly's accounts.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'account_history') }}
