-- One row per version of a subscription, recurring item in it, and span in which neither its status nor its discounts
-- change. The plan has the id of the subscription, add-ons have theirs behind it.

{{ config(enabled = 'chargebee_airbyte' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('chargebee_airbyte__versions') }}),

items as (select * from {{ ref('chargebee_airbyte__items') }}),

discounts as (select * from {{ ref('chargebee_airbyte__discounts') }}),

-- A version holds another status, or other discounts, from these instants on.
cuts as (
    {%- for instant in ['valid_from', 'trial_start', 'trial_end', 'pause_date', 'due_since'] %}
        select
            source_name,
            subscription_id,
            version_number,
            {{ instant }} as cut_at
        from versions
        union
    {%- endfor %}
    select
        source_name,
        subscription_id,
        version_number,
        given_from as cut_at
    from discounts
    union
    select
        source_name,
        subscription_id,
        version_number,
        given_until as cut_at
    from discounts
),

spans as (
    select
        source_name,
        subscription_id,
        version_number,
        versions.customer_id,
        versions.status,
        versions.trial_start,
        versions.trial_end,
        versions.pause_date,
        versions.due_since,
        versions.requested_at,
        versions.end_reason,
        cuts.cut_at as started_at,
        coalesce(lead(cuts.cut_at) over version_cuts, versions.valid_until) as ended_at,
        lead(cuts.cut_at) over version_cuts is null and versions.end_reason is not null as is_last
    from cuts
    inner join versions using (source_name, subscription_id, version_number)
    where cuts.cut_at >= versions.valid_from and coalesce(cuts.cut_at < versions.valid_until, true)
    window version_cuts as (
        partition by source_name, subscription_id, version_number order by cuts.cut_at
    )
)

select
    source_name,
    subscription_id as version_of,
    version_number,
    items.item_price_id,
    subscription_id || case when items.is_plan then '' else '/' || items.item_price_id end as subscription_id,
    spans.customer_id,
    items.plan_id,
    case
        when spans.status = 'in_trial' then 'trialing'
        when spans.started_at >= spans.trial_start and spans.started_at < spans.trial_end then 'trialing'
        when spans.status = 'paused' and coalesce(spans.started_at >= spans.pause_date, true) then 'paused'
        when spans.started_at >= spans.due_since then 'past_due'
        else 'active'
    end as status,
    items.quantity,
    spans.started_at,
    spans.ended_at,
    spans.requested_at,
    spans.end_reason,
    spans.is_last
from spans
inner join items using (source_name, subscription_id, version_number)
