-- One row per day of the lifecycle ledger and grain: the period it lies in, and whether it is the customer's first or
-- last day there.

with
ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

ledger_periods as (
    select
        ledger.customer_key,
        ledger.combination_id,
        ledger.stage_before,
        ledger.stage_after,
        date_periods.period_id,
        coalesce(ledger.previous_stage_date < date_periods.period_start_date, true) as is_first_in_period,
        coalesce(ledger.next_stage_date > date_periods.period_end_date, true) as is_last_in_period
    from ledger
    inner join date_periods on ledger.stage_date = date_periods.date_day
)

select * from ledger_periods
