-- One row per version of a subscription, what it bills, and span in which neither its status changes nor any
-- subscription or coupon of the account: amounts off are shared by all that the account has then.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
versions as (select * from {{ ref('recurly_fivetran__versions') }}),

items as (select * from {{ ref('recurly_fivetran__items') }}),

redemptions as (select * from {{ ref('recurly_fivetran__redemptions') }}),

cuts as (
    {%- for instant in ['valid_from', 'valid_until', 'trial_started_at', 'trial_ends_at', 'paused_at'] %}
        select
            source_name,
            account_id,
            {{ instant }} as cut_at
        from versions
        union
    {%- endfor %}
    select
        source_name,
        account_id,
        given_from as cut_at
    from redemptions
    union
    select
        source_name,
        account_id,
        given_until as cut_at
    from redemptions
),

spans as (
    select
        versions.*,
        cuts.cut_at as started_at,
        coalesce(lead(cuts.cut_at) over version_cuts, versions.valid_until) as ended_at,
        lead(cuts.cut_at) over version_cuts is null and versions.has_ended as is_last
    from versions
    inner join cuts using (source_name, account_id)
    where cuts.cut_at >= versions.valid_from and coalesce(cuts.cut_at < versions.valid_until, true)
    window version_cuts as (
        partition by versions.source_name, versions.id, versions.version_number order by cuts.cut_at
    )
)

select
    spans.source_name,
    spans.id || case when items.is_add_ons then '/add_ons' else '' end as subscription_id,
    spans.account_id,
    upper(spans.currency) as currency,
    items.plan_id,
    case
        when spans.started_at >= spans.trial_started_at and spans.started_at < spans.trial_ends_at then 'trialing'
        when spans.state = 'paused' and coalesce(spans.started_at >= spans.paused_at, true) then 'paused'
        else 'active'
    end as status,
    items.quantity,
    cast(items.price * items.quantity as decimal(28, 10)) as amount,
    spans.started_at,
    spans.ended_at,
    spans.requested_at,
    spans.end_reason,
    spans.is_last
from spans
inner join items
    on spans.source_name = items.source_name
        and spans.id = items.subscription_id
        and spans.version_number = items.version_number
