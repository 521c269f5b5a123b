-- One row per customer, grain and period in which the customer's ledger has a day: what the period did to his MRR,
-- boundary to boundary.

with

ledger as (select * from {{ ref('int_mrr_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

ledger_periods as (

    select
        ledger.*,
        date_periods.period_grain,
        date_periods.period_start_date,
        ledger.previous_movement_date is null
        or ledger.previous_movement_date < date_periods.period_start_date as is_first_in_period,
        ledger.next_movement_date is null
        or ledger.next_movement_date > date_periods.period_end_date as is_last_in_period

    from ledger
    inner join date_periods
        on ledger.movement_date = date_periods.date_day

),

balances as (

    select
        customer_id,
        period_grain,
        period_start_date,
        first_paid_date,
        country,
        acquisition_channel,
        cast(sum(opening_mrr) filter (where is_first_in_period) as decimal(18, 6)) as opening_mrr,
        cast(sum(closing_mrr) filter (where is_last_in_period) as decimal(18, 6)) as closing_mrr,
        max(movement_date) filter (where opening_mrr > 0 and closing_mrr = 0) as churned_on

    from ledger_periods
    group by customer_id, period_grain, period_start_date, first_paid_date, country, acquisition_channel

),

movements as (

    select
        *,
        {{ movement_type('opening_mrr', 'closing_mrr', 'first_paid_date', 'period_start_date') }} as movement_type

    from balances

)

select * from movements
