-- One row per segment value and month, quarter or year of the calendar that is no period: those that fiscal years move,
-- and all of a grain that is left out. No mart has a row for them; the semantic layer has to know where they are.

with
days as (select * from {{ ref('int_days') }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

units as (
    select
        'month' as unit,
        1 as months
    union all
    select
        'quarter' as unit,
        3 as months
    union all
    select
        'year' as unit,
        12 as months
),

units_of_days as (
    select distinct
        units.months,
        cast(date_trunc(units.unit, days.date_day) as date) as starts_on
    from days
    cross join units
),

calendar_periods as (
    select
        starts_on,
        cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 'months', 'starts_on')) }} as date) as ends_on
    from units_of_days
),

gaps as (
    select
        calendar_periods.starts_on,
        calendar_periods.ends_on
    from calendar_periods
    left join periods
        on
            calendar_periods.starts_on = periods.period_start_date
            and calendar_periods.ends_on = periods.period_end_date
    where periods.period_id is null
),

first_days as (
    select
        segment,
        segment_value,
        min(first_date) as first_date
    from {{ ref('int_first_days') }}
    group by segment, segment_value
),

segment_gaps as (
    select
        first_days.segment,
        first_days.segment_value,
        gaps.starts_on,
        gaps.ends_on
    from gaps
    inner join first_days on gaps.ends_on >= first_days.first_date
)

select * from segment_gaps
