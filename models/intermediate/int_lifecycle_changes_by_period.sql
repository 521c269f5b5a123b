-- One row per grain, period, segment value and lifecycle stage that gained or lost customers: how many more there are.
-- Changes before the first period count in it, so that what adds up from there on is all customers.

with

ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

first_days as (

    select
        period_grain,
        min(date_day) as first_day

    from date_periods
    group by period_grain

),

changes as (

    select
        stage_date,
        stage_after as lifecycle_stage,
        1 as customers,
        country,
        acquisition_channel

    from ledger

    union all

    select
        stage_date,
        stage_before as lifecycle_stage,
        -1 as customers,
        country,
        acquisition_channel

    from ledger
    where stage_before is not null

),

-- Added up by day before the calendar is joined: joined to every change, it would be compared with each of its days.
changes_by_day as (

    select
        first_days.period_grain,
        greatest(changes.stage_date, first_days.first_day) as change_date,
        changes.lifecycle_stage,
        changes.country,
        changes.acquisition_channel,
        sum(changes.customers) as customers

    from changes
    cross join first_days
    group by
        first_days.period_grain,
        greatest(changes.stage_date, first_days.first_day),
        changes.lifecycle_stage,
        changes.country,
        changes.acquisition_channel

),

changes_by_combination as (

    select
        date_periods.period_grain,
        date_periods.period_start_date,
        changes_by_day.lifecycle_stage,
        changes_by_day.country,
        changes_by_day.acquisition_channel,
        sum(changes_by_day.customers) as customers

    from changes_by_day
    inner join date_periods
        on
            changes_by_day.period_grain = date_periods.period_grain
            and changes_by_day.change_date = date_periods.date_day
    group by
        date_periods.period_grain,
        date_periods.period_start_date,
        changes_by_day.lifecycle_stage,
        changes_by_day.country,
        changes_by_day.acquisition_channel

),

changes_by_segment as (

    select
        changes_by_combination.period_grain,
        changes_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        changes_by_combination.lifecycle_stage,
        cast(sum(changes_by_combination.customers) as bigint) as customers

    from changes_by_combination
    inner join segments
        on
            changes_by_combination.country = segments.country
            and changes_by_combination.acquisition_channel = segments.acquisition_channel
    group by
        changes_by_combination.period_grain,
        changes_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        changes_by_combination.lifecycle_stage

)

select * from changes_by_segment
