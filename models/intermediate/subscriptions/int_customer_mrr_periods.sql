-- One row per customer, grain and period in which the customer's ledger has a day: what the period did to their MRR,
-- boundary to boundary.

with
date_periods as (select * from {{ ref('int_date_periods') }}),

ledger as (select * from {{ ref('int_mrr_ledger') }}),

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

-- Most periods of a customer have one day of their ledger, first and last in one: grouping the others alone takes a
-- third of the time. They are looked up anew, since writing all down in between would take longer.
balances as (
    select
        ledger.customer_key,
        ledger.combination_id,
        date_periods.period_id,
        date_periods.period_start_date,
        ledger.first_paid_date,
        ledger.opening_mrr,
        ledger.closing_mrr,
        ledger.opening_plan_key,
        ledger.closing_plan_key,
        case when ledger.opening_mrr > 0 and ledger.closing_mrr = 0 then ledger.movement_date end as churned_on
    from ledger
    inner join date_periods
        on
            ledger.movement_date = date_periods.date_day
            and coalesce(ledger.previous_movement_date < date_periods.period_start_date, true)
            and coalesce(ledger.next_movement_date > date_periods.period_end_date, true)
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
        balances.customer_key,
        balances.combination_id,
        balances.period_id,
        balances.opening_mrr,
        balances.closing_mrr,
        balances.opening_plan_key,
        balances.closing_plan_key,
        balances.churned_on,
        coalesce(balances.opening_plan_key, balances.closing_plan_key, inner_stretches.plan_key) as plan_key,
        {{ movement_type(
            'balances.opening_mrr', 'balances.closing_mrr', 'balances.first_paid_date', 'balances.period_start_date'
        ) }} as movement_type,
        cast(balances.closing_mrr > 0 as integer) - cast(balances.opening_mrr > 0 as integer) as paying_change,
        balances.opening_mrr > 0
        and balances.closing_mrr = 0
        and {{ dbt.datediff('balances.first_paid_date', 'balances.churned_on', 'day') }}
        < {{ var('new_customer_days') }} as is_lost_while_new
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
