-- One row per source and raw table: what was read of the vendor's tables, and why some of it was set aside. Deleted
-- customers and prices are kept.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
vendor_rows as (
    select
        source_name,
        'customers' as raw_table,
        not coalesce(livemode, true) as is_test,
        false as is_unstarted,
        loaded_at
    from {{ ref('stripe_fivetran__customer') }}
    union all
    select
        source_name,
        'plans' as raw_table,
        not coalesce(livemode, true) as is_test,
        false as is_unstarted,
        loaded_at
    from {{ ref('stripe_fivetran__price') }}
    union all
    select
        source_name,
        'subscriptions' as raw_table,
        not coalesce(livemode, true) as is_test,
        status in ('incomplete', 'incomplete_expired') as is_unstarted,
        loaded_at
    from {{ ref('stripe_fivetran__subscription_history') }}
    union all
    select
        source_name,
        'orders' as raw_table,
        not coalesce(livemode, true) as is_test,
        false as is_unstarted,
        loaded_at
    from {{ ref('stripe_fivetran__charge') }}
)

select
    source_name,
    raw_table,
    count(*) as rows_read,
    count(*) filter (where is_test) as rows_test,
    0 as rows_deleted,
    count(*) filter (where is_unstarted and not is_test) as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from vendor_rows
group by source_name, raw_table
