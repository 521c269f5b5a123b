-- One row per definition of churn by subscriptions, customer, business date and thing lost on it: all the customer paid
-- for, part of a product, the subscription of a request or a yearly term. `reason_stretch_key` is the stretch whose end
-- reason explains it.

with
ledger as (select * from {{ ref('int_mrr_ledger') }}),

product_changes as (select * from {{ ref('int_product_changes') }}),

-- A subscription whose cancellation is asked for twice on one day is lost once, as it was at the last request.
cancel_requests as (
    select
        *,
        row_number() over (
            partition by subscription_key, customer_key, request_date
            order by cancel_requested_at desc
        ) as request_rank
    from {{ ref('int_cancel_requests') }}
),

unrenewed_terms as (select * from {{ ref('int_unrenewed_terms') }}),

ended_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0 and end_date is not null),

ledger_losses as (
    select
        'subscription_end' as churn_definition,
        customer_key,
        movement_date as churned_on,
        opening_mrr as mrr,
        opening_plan_key as plan_key,
        0 as loss_key
    from ledger
    where opening_mrr > 0 and closing_mrr = 0
    union all
    select
        'downgrade' as churn_definition,
        customer_key,
        movement_date as churned_on,
        greatest(opening_mrr - closing_mrr, 0) as mrr,
        opening_plan_key as plan_key,
        product_key as loss_key
    from product_changes
    where change_type = 'downgrade'
),

-- One reason per customer and day: that of the stretch that ended last.
explained_losses as (
    select
        losses.*,
        ended_stretches.stretch_key as reason_stretch_key,
        row_number() over (
            partition by losses.churn_definition, losses.customer_key, losses.churned_on, losses.loss_key
            order by
                ended_stretches.ended_at desc nulls last, ended_stretches.mrr desc nulls last,
                ended_stretches.stretch_key asc nulls last
        ) as reason_rank
    from ledger_losses as losses
    left join ended_stretches
        on
            losses.customer_key = ended_stretches.customer_key
            and losses.churned_on = ended_stretches.end_date
),

losses as (
    select
        churn_definition,
        customer_key,
        churned_on,
        mrr,
        plan_key,
        loss_key,
        reason_stretch_key
    from explained_losses
    where reason_rank = 1
    union all
    select
        'cancel_request' as churn_definition,
        requests.customer_key,
        requests.request_date as churned_on,
        requests.mrr,
        stretches.plan_key,
        requests.subscription_key as loss_key,
        case when requests.outcome <> 'pending' then requests.outcome_stretch_key end as reason_stretch_key
    from cancel_requests as requests
    inner join {{ ref('int_mrr_stretches') }} as stretches using (stretch_key)
    where requests.request_rank = 1
    union all
    -- A subscription may have changed product on its last day: two terms that end on it.
    select
        'annual_not_renewed' as churn_definition,
        customer_key,
        grace_end_date as churned_on,
        mrr,
        plan_key,
        stretch_key as loss_key,
        stretch_key as reason_stretch_key
    from unrenewed_terms
)

select * from losses
