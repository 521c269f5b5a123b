-- One row per customer, grain and period in which the customer's ledger has a day: what the period did to their MRR,
-- boundary to boundary.

with
ledger as (select * from {{ ref('int_mrr_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

ledger_periods as (
    select
        ledger.*,
        date_periods.period_id,
        date_periods.period_start_date,
        coalesce(ledger.previous_movement_date < date_periods.period_start_date, true) as is_first_in_period,
        coalesce(ledger.next_movement_date > date_periods.period_end_date, true) as is_last_in_period
    from ledger
    inner join date_periods on ledger.movement_date = date_periods.date_day
),

-- Where a customer is transient their paid stretches lie inside the period.
inner_stretches as (
    select
        stretches.customer_key,
        stretches.plan_key,
        date_periods.period_id,
        row_number() over (
            partition by stretches.customer_key, date_periods.period_id
            order by stretches.mrr desc, stretches.plan_key asc
        ) as plan_rank
    from {{ ref('int_mrr_stretches') }} as stretches
    inner join date_periods
        on
            stretches.start_date = date_periods.date_day
            and stretches.end_date <= date_periods.period_end_date
    where stretches.mrr > 0
),

-- Most periods of a customer have one day of their ledger: grouping the others alone takes a third of the time.
balances as (
    select
        customer_key,
        combination_id,
        period_id,
        period_start_date,
        first_paid_date,
        opening_mrr,
        closing_mrr,
        opening_plan_key,
        closing_plan_key,
        case when opening_mrr > 0 and closing_mrr = 0 then movement_date end as churned_on
    from ledger_periods
    where is_first_in_period and is_last_in_period
    union all
    select
        customer_key,
        combination_id,
        period_id,
        period_start_date,
        first_paid_date,
        cast(sum(opening_mrr) filter (where is_first_in_period) as decimal(38, 6)) as opening_mrr,
        cast(sum(closing_mrr) filter (where is_last_in_period) as decimal(38, 6)) as closing_mrr,
        max(opening_plan_key) filter (where is_first_in_period) as opening_plan_key,
        max(closing_plan_key) filter (where is_last_in_period) as closing_plan_key,
        max(movement_date) filter (where opening_mrr > 0 and closing_mrr = 0) as churned_on
    from ledger_periods
    where not is_first_in_period or not is_last_in_period
    group by customer_key, combination_id, period_id, period_start_date, first_paid_date
),

movements as (
    select
        balances.*,
        coalesce(balances.opening_plan_key, balances.closing_plan_key, inner_stretches.plan_key) as plan_key,
        {{ movement_type(
            'balances.opening_mrr', 'balances.closing_mrr', 'balances.first_paid_date', 'balances.period_start_date'
        ) }} as movement_type
    from balances
    left join inner_stretches
        on
            balances.customer_key = inner_stretches.customer_key
            and balances.period_id = inner_stretches.period_id
            and inner_stretches.plan_rank = 1
            and balances.opening_mrr = 0
            and balances.closing_mrr = 0
)

select * from movements
