-- One row per source and raw table: what was read of the vendor's tables, and why some of it was set aside. Deleted
-- customers and prices are kept.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

{% set is_test = 'not coalesce(livemode, true)' %}

{{ rows_read('customers', ref('stripe_fivetran__customer'), test=is_test) }}
union all
{{ rows_read('plans', ref('stripe_fivetran__price'), test=is_test) }}
union all
{{ rows_read(
    'subscriptions', ref('stripe_fivetran__subscription_history'), test=is_test,
    never_started="status in ('incomplete', 'incomplete_expired') and coalesce(livemode, true)"
) }}
union all
{{ rows_read('orders', ref('stripe_fivetran__charge'), test=is_test) }}
