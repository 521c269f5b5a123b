-- One row per version of the redemption of a coupon by an account.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'coupon_redemption_history') }}
