-- One row per definition of churn by subscriptions, customer and business date on which the customer was lost by it.
-- Several losses of a day are one event: their MRR adds up, the largest of them says plan and reason.

with
losses as (select * from {{ ref('int_subscription_losses') }}),

ledger as (select * from {{ ref('int_mrr_ledger') }}),

paying_customers as (
    select
        customer_key,
        combination_id,
        first_paid_date
    from ledger
    where previous_movement_date is null
),

-- The first payment is no return; one that follows a first payment of some hours is.
return_days as (
    select
        customer_key,
        movement_date
    from ledger
    where opening_mrr = 0 and closing_mrr > 0 and previous_movement_date is not null
),

ranked_losses as (
    select
        *,
        cast((sum(mrr) over (partition by churn_definition, customer_key, churned_on)) as decimal(38, 6)) as mrr_lost,
        row_number() over (
            partition by churn_definition, customer_key, churned_on
            order by mrr desc, loss_key asc
        ) as loss_rank
    from losses
),

first_returns as (
    select
        losses.churn_definition,
        losses.customer_key,
        losses.churned_on,
        min(return_days.movement_date) as returned_on
    from losses
    inner join return_days
        on
            losses.customer_key = return_days.customer_key
            and losses.churned_on < return_days.movement_date
    where losses.churn_definition <> 'downgrade'
    group by losses.churn_definition, losses.customer_key, losses.churned_on
),

events as (
    select
        ranked_losses.churn_definition,
        ranked_losses.customer_key,
        paying_customers.combination_id,
        ranked_losses.churned_on,
        ranked_losses.mrr_lost,
        ranked_losses.plan_key,
        ranked_losses.reason_stretch_key,
        paying_customers.first_paid_date,
        first_returns.returned_on
    from ranked_losses
    inner join paying_customers using (customer_key)
    left join first_returns using (churn_definition, customer_key, churned_on)
    where ranked_losses.loss_rank = 1
)

select * from events
