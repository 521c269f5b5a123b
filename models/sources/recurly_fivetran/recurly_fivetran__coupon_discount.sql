-- One row per coupon and currency of its discount.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

{{ vendor_table('recurly_fivetran', 'coupon_discount') }}
