-- One row per version of Recurly's plans.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'plan_history') }}
