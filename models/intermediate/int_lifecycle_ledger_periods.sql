-- One row per day of the lifecycle ledger and grain: the period it lies in, and whether it is the customer's first or
-- last day there.

with
ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

ledger_periods as (
    select
        ledger.*,
        date_periods.period_grain,
        date_periods.period_start_date,
        date_periods.period_end_date,
        date_periods.is_complete,
        ledger.previous_stage_date is null
        or ledger.previous_stage_date < date_periods.period_start_date as is_first_in_period,
        ledger.next_stage_date is null
        or ledger.next_stage_date > date_periods.period_end_date as is_last_in_period
    from ledger
    inner join date_periods on ledger.stage_date = date_periods.date_day
)

select * from ledger_periods
