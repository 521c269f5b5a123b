-- One row per redemption of a coupon by an account and discount that it gives, from when to when.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

with
redemptions as (
    select *
    from {{ ref('recurly_fivetran__coupon_redemption_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

discounts as (
    select *
    from {{ ref('recurly_fivetran__coupon_discount') }}
    where type in ('percent', 'fixed')
)

select
    redemptions.source_name,
    redemptions.account_id,
    redemptions.id as redemption_id,
    upper(discounts.currency) as currency,
    discounts.type = 'fixed' as is_amount,
    discounts.percentage,
    discounts.amount,
    redemptions.created_at as given_from,
    coalesce(redemptions.removed_at, case when redemptions.state = 'inactive' then redemptions.updated_at end)
        as given_until
from redemptions
inner join discounts using (source_name, coupon_id)
