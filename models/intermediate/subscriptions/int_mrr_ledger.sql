-- One row per customer and business date on which one of the customer's paid stretches starts or ends.
-- Opposite changes on one day cancel. A day on which all of them do stays: the customer may have come and gone in it.

with
paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

closing_plans as (select * from {{ ref('int_plan_mrr_ledger') }} where closing_mrr > 0 and closing_rank = 1),

deltas as (
    select
        customer_key,
        combination_id,
        start_date as movement_date,
        mrr as mrr_delta
    from paid_stretches
    union all
    select
        customer_key,
        combination_id,
        end_date as movement_date,
        -mrr as mrr_delta
    from paid_stretches
    where end_date is not null
),

daily_changes as (
    select
        customer_key,
        combination_id,
        movement_date,
        cast(sum(mrr_delta) as decimal(38, 6)) as mrr_change
    from deltas
    group by customer_key, combination_id, movement_date
),

planned_changes as (
    select
        daily_changes.*,
        closing_plans.plan_key as closing_plan_key
    from daily_changes
    left join closing_plans using (customer_key, movement_date)
),

balances as (
    select
        *,
        cast((sum(mrr_change) over customer_days) as decimal(38, 6)) as closing_mrr,
        min(movement_date) over customer_days as first_paid_date,
        lag(movement_date) over customer_days as previous_movement_date,
        lead(movement_date) over customer_days as next_movement_date,
        lag(closing_plan_key) over customer_days as opening_plan_key
    from planned_changes
    window customer_days as (partition by customer_key order by movement_date)
),

ledger as (
    select
        *,
        cast(closing_mrr - mrr_change as decimal(38, 6)) as opening_mrr
    from balances
)

select * from ledger
