-- One row per grain, period, segment value and lifecycle stage that gained or lost customers: how many more there are.
-- Changes before the first period count in it, so that what adds up from there on is all customers.

with
ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

first_periods as (select * from date_periods where period_number = 1 and date_day = period_start_date),

changes_by_combination as (
    select
        stage_date,
        stage_after as lifecycle_stage,
        combination_id,
        count(*) as customers
    from ledger
    group by stage_date, stage_after, combination_id
    union all
    select
        stage_date,
        stage_before as lifecycle_stage,
        combination_id,
        -count(*) as customers
    from ledger
    where stage_before is not null
    group by stage_date, stage_before, combination_id
),

-- Added up by day before the grains multiply it.
changes_by_day as (
    select
        sums.stage_date,
        segments.segment_id,
        sums.lifecycle_stage,
        sum(sums.customers) as customers
    from changes_by_combination as sums
    inner join segments using (combination_id)
    group by sums.stage_date, segments.segment_id, sums.lifecycle_stage
),

-- These dates are in the calendar. A left join, or DuckDB would multiply the calendar before it looks up any row.
changes_by_period as (
    select
        date_periods.period_id,
        changes.segment_id,
        changes.lifecycle_stage,
        cast(sum(changes.customers) as bigint) as customers
    from changes_by_day as changes
    cross join first_periods
    left join date_periods
        on
            first_periods.period_grain = date_periods.period_grain
            and greatest(changes.stage_date, first_periods.period_start_date) = date_periods.date_day
    group by date_periods.period_id, changes.segment_id, changes.lifecycle_stage
)

select * from changes_by_period
