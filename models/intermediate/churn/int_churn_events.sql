-- One row per definition of churn, customer and business date on which the customer was lost by it, and why.

with
subscription_churn as (select * from {{ ref('int_subscription_churn') }}),

order_churn_spans as (select * from {{ ref('int_order_churn_spans') }} where is_lost),

stretches as (select * from {{ ref('int_mrr_stretches') }}),

-- Each text is looked at once, not each event.
end_reasons as (
    select
        end_reason as raw_reason,
        nullif({{ plain_text('end_reason') }}, '') as end_reason
    from stretches
    where end_reason is not null
    group by end_reason
),

churn_reasons as (select * from {{ ref('churn_reasons') }}),

tenure_bands as (select * from {{ ref('tenure_bands') }}),

events as (
    select
        churn.churn_definition,
        churn.customer_key,
        churn.churned_on,
        churn.mrr_lost,
        churn.plan_key,
        end_reasons.end_reason,
        churn.returned_on,
        {{ dbt.datediff('churn.first_paid_date', 'churn.churned_on', 'day') }} as days_since_first
    from subscription_churn as churn
    left join stretches on churn.reason_stretch_key = stretches.stretch_key
    left join end_reasons on stretches.end_reason = end_reasons.raw_reason
    union all
    select
        churn_definition,
        customer_key,
        end_date as churned_on,
        null as mrr_lost,
        null as plan_key,
        null as end_reason,
        returned_on,
        {{ dbt.datediff('first_order_date', 'end_date', 'day') }} as days_since_first
    from order_churn_spans
),

-- Customers who ask to cancel, or take less, do so themselves, unless the reason says otherwise.
explained_events as (
    select
        events.*,
        greatest(events.days_since_first, 0) as tenure_days,
        coalesce(churn_reasons.reason, events.end_reason, 'unknown') as reason,
        case
            when churn_reasons.churn_type is not null then churn_reasons.churn_type
            when events.churn_definition in ('cancel_request', 'downgrade') then 'voluntary'
            else 'unknown'
        end as churn_type
    from events
    left join churn_reasons on events.end_reason = churn_reasons.end_reason
),

-- Some thousand different tenures look for their band; every event would be sorted to find it.
tenures as (select distinct tenure_days from explained_events),

banded_tenures as (
    select
        tenures.tenure_days,
        tenure_bands.tenure_band
    from tenures
    left join tenure_bands
        on
            tenures.tenure_days >= tenure_bands.from_days
            and tenures.tenure_days <= coalesce(tenure_bands.to_days, tenures.tenure_days)
),

banded_events as (
    select
        explained_events.churn_definition,
        explained_events.customer_key,
        explained_events.churned_on,
        explained_events.mrr_lost,
        explained_events.churn_type,
        explained_events.reason,
        explained_events.tenure_days,
        banded_tenures.tenure_band,
        explained_events.plan_key,
        explained_events.returned_on
    from explained_events
    inner join banded_tenures using (tenure_days)
)

select * from banded_events
