-- One row per ledger day and grain: the period it lies in, and whether it is the customer's first or last day there.

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
    inner join date_periods on ledger.movement_date = date_periods.date_day
)

select * from ledger_periods
