-- One row per source and raw table: what was read of Recurly's tables, why some of it was set aside, and the MRR of the
-- subscriptions that are live and no trial by their subtotal, less coupons, which it does not have.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

with
versions as (select * from {{ ref('recurly_fivetran__subscription_history') }}),

latest_versions as (
    select *
    from {{ ref('recurly_fivetran__versions') }}
    qualify row_number() over (partition by source_name, id order by version_number desc) = 1
),

prices as (select * from {{ ref('recurly_fivetran__prices') }}),

stretches as (
    select *
    from {{ ref('recurly_fivetran_subscriptions') }}
    qualify row_number() over (partition by source_name, subscription_id order by started_at desc) = 1
),

live as (
    select
        prices.source_name,
        prices.currency,
        cast(latest_versions.subtotal as decimal(28, 10)) as price,
        prices.billing_interval,
        prices.billing_interval_count,
        stretches.discount_percent
    from latest_versions
    inner join prices
        on latest_versions.source_name = prices.source_name
            and latest_versions.plan_id = prices.id
            and upper(latest_versions.currency) = prices.currency
    inner join stretches
        on latest_versions.source_name = stretches.source_name and latest_versions.id = stretches.subscription_id
    where stretches.status = 'active' and coalesce(stretches.ended_at > latest_versions.known_until, true)
),

mrr_now as (
    select
        live.source_name,
        case
            when bool_and(live.currency = {{ reporting_currency() }})
                then sum({{ monthly_amount('live', '1', 'live.discount_percent') }})
        end as vendor_mrr
    from live
    group by live.source_name
),

subscriptions as (
    select
        versions.*,
        mrr_now.vendor_mrr
    from versions
    left join mrr_now on versions.source_name = mrr_now.source_name
)

{{ rows_read(
    'subscriptions', 'subscriptions', never_started="activated_at is null or state in ('failed', 'future')",
    vendor_mrr='max(vendor_mrr)'
) }}
union all
{{ rows_read('plans', ref('recurly_fivetran__plan_history')) }}
union all
{{ rows_read('customers', ref('recurly_fivetran__account_history')) }}
union all
{{ rows_read('orders', ref('recurly_fivetran__line_item_history')) }}
