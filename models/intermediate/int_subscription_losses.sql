-- One row per definition of churn by subscriptions, customer, business date and thing lost on it: all he paid for, part
-- of a product, the subscription of a request or a yearly term.

with
ledger as (select * from {{ ref('int_mrr_ledger') }}),

product_changes as (select * from {{ ref('int_product_changes') }}),

cancel_requests as (select * from {{ ref('int_cancel_requests') }}),

unrenewed_terms as (select * from {{ ref('int_unrenewed_terms') }}),

ended_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0 and end_date is not null),

-- One reason per customer and day: that of the stretch that ended last.
ranked_reasons as (
    select
        customer_id,
        end_date,
        end_reason,
        row_number() over (
            partition by customer_id, end_date
            order by ended_at desc, mrr desc, subscription_id asc
        ) as reason_rank
    from ended_stretches
),

ledger_losses as (
    select
        'subscription_end' as churn_definition,
        customer_id,
        movement_date as churned_on,
        opening_mrr as mrr,
        opening_plan_id as plan_id,
        'all' as loss_id
    from ledger
    where opening_mrr > 0 and closing_mrr = 0
    union all
    select
        'downgrade' as churn_definition,
        customer_id,
        movement_date as churned_on,
        greatest(opening_mrr - closing_mrr, 0) as mrr,
        opening_plan_id as plan_id,
        product as loss_id
    from product_changes
    where change_type = 'downgrade'
),

losses as (
    select
        ledger_losses.*,
        ranked_reasons.end_reason
    from ledger_losses
    left join ranked_reasons
        on
            ledger_losses.customer_id = ranked_reasons.customer_id
            and ledger_losses.churned_on = ranked_reasons.end_date
            and ranked_reasons.reason_rank = 1
    union all
    select
        'cancel_request' as churn_definition,
        customer_id,
        request_date as churned_on,
        mrr,
        plan_id,
        subscription_id || ' ' || cast(cancel_requested_at as {{ dbt.type_string() }}) as loss_id,
        end_reason
    from cancel_requests
    union all
    -- A subscription may have changed product on its last day: two terms that end on it.
    select
        'annual_not_renewed' as churn_definition,
        customer_id,
        grace_end_date as churned_on,
        mrr,
        plan_id,
        subscription_id || ' ' || cast(started_at as {{ dbt.type_string() }}) as loss_id,
        end_reason
    from unrenewed_terms
)

select * from losses
