-- One row per recurring item of a subscription and stretch of unchanged terms. The plan has the id of the subscription,
-- add-ons have theirs behind it.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('chargebee_airbyte_versions') }}),

items as (select * from {{ ref('chargebee_airbyte_items') }}),

discounts as (select * from {{ ref('chargebee_airbyte_discounts') }}),

-- A version holds other terms, or another status, from these instants on.
cuts as (
    select source_name, subscription_id, version_number, valid_from as cut_at from versions
    union
    select source_name, subscription_id, version_number, trial_start as cut_at from versions
    union
    select source_name, subscription_id, version_number, trial_end as cut_at from versions
    union
    select source_name, subscription_id, version_number, pause_date as cut_at from versions
    union
    select source_name, subscription_id, version_number, due_since as cut_at from versions
    union
    select source_name, subscription_id, version_number, given_from as cut_at from discounts
    union
    select source_name, subscription_id, version_number, given_until as cut_at from discounts
),

segments as (
    select
        versions.*,
        cuts.cut_at as started_at,
        coalesce(lead(cuts.cut_at) over version_cuts, versions.valid_until) as ended_at,
        lead(cuts.cut_at) over version_cuts is null and versions.end_reason is not null as is_last
    from cuts
    inner join versions using (source_name, subscription_id, version_number)
    where cuts.cut_at >= versions.valid_from and coalesce(cuts.cut_at < versions.valid_until, true)
    window version_cuts as (
        partition by versions.source_name, versions.subscription_id, versions.version_number order by cuts.cut_at
    )
),

item_segments as (
    select
        segments.*,
        items.item_price_id,
        items.is_plan,
        items.plan_id,
        items.quantity
    from segments
    inner join items using (source_name, subscription_id, version_number)
),

discounted as (
    select
        item_segments.source_name,
        item_segments.subscription_id,
        item_segments.version_number,
        item_segments.item_price_id,
        item_segments.started_at,
        {{ discounts_at_once('discounts.percent', 'discounts.is_amount') }} as discount_percent
    from item_segments
    inner join discounts using (source_name, subscription_id, version_number, item_price_id)
    where coalesce(item_segments.started_at >= discounts.given_from, true)
        and coalesce(item_segments.started_at < discounts.given_until, true)
        and discounts.percent is not null
    group by
        item_segments.source_name,
        item_segments.subscription_id,
        item_segments.version_number,
        item_segments.item_price_id,
        item_segments.started_at
),

told as (
    select
        item_segments.source_name,
        item_segments.subscription_id
        || case when item_segments.is_plan then '' else '/' || item_segments.item_price_id end as subscription_id,
        item_segments.customer_id,
        item_segments.plan_id,
        case
            when item_segments.status = 'in_trial' then 'trialing'
            when item_segments.started_at >= item_segments.trial_start
                and item_segments.started_at < item_segments.trial_end
                then 'trialing'
            when item_segments.status = 'paused' and coalesce(item_segments.started_at >= item_segments.pause_date, true)
                then 'paused'
            when item_segments.started_at >= item_segments.due_since then 'past_due'
            else 'active'
        end as status,
        item_segments.quantity,
        coalesce(discounted.discount_percent, 0) as discount_percent,
        item_segments.started_at,
        item_segments.ended_at,
        case
            when coalesce(item_segments.requested_at < item_segments.ended_at, true) then item_segments.requested_at
        end as cancel_requested_at,
        case when item_segments.is_last then item_segments.requested_at end as end_requested_at,
        case when item_segments.is_last then item_segments.end_reason end as end_reason
    from item_segments
    left join discounted using (source_name, subscription_id, version_number, item_price_id, started_at)
)

select * from {{ joined_segments('told') }} as stretches
