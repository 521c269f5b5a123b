-- One row per day and grain: the period of that grain the day belongs to.
-- Joining facts to it on the day is how one query serves every grain. It reaches from the first day of the period
-- that holds the earliest paid start or countable order to the last day of the one that holds the last known day.

{% set months_late = var('fiscal_year_start_month') | int - 1 %}

with
-- A period of months starts so many of them after the (fiscal) year does; weeks and days have a calendar of their own.
period_grains as (
    select
        period_grain,
        periods_per_year,
        greatest(cast(12 / periods_per_year as integer), 1) as months_in_period,
        case when follows_fiscal_year then {{ months_late }} else 0 end as months_late
    from {{ ref('period_grains') }}
),

known_days as (
    select
        min(first_days.first_date) as first_day,
        as_of_date.as_of_date
    from {{ ref('int_first_days') }} as first_days
    cross join {{ ref('int_as_of_date') }} as as_of_date
    where first_days.basis in ('subscription', 'order')
    group by as_of_date.as_of_date
),

numbers as (
    {{ whole_numbers(6) }}
),

-- A year more on both sides, so that every period is whole.
days as (
    select cast({{ dbt.dateadd('day', 'numbers.number - 366', 'known_days.first_day') }} as date) as date_day
    from known_days
    inner join numbers
        on numbers.number < {{ dbt.datediff('known_days.first_day', 'known_days.as_of_date', 'day') }} + 2 * 366
),

day_periods as (
    select
        period_grains.period_grain,
        days.date_day,
        cast(
            case
                when period_grains.periods_per_year > 52 then days.date_day
                when period_grains.periods_per_year > 12 then date_trunc('week', days.date_day)
                else {{ dbt.dateadd(
                    'month',
                    '-mod(cast(extract(month from days.date_day) as integer) + 11 - period_grains.months_late,'
                    ~ ' period_grains.months_in_period)',
                    "date_trunc('month', days.date_day)"
                ) }}
            end as date
        ) as period_start_date
    from days
    cross join period_grains
),

-- The periods of a grain are numbered one after the other; between two grains a number is left out, so that no period
-- follows one of another grain.
periods as (
    select
        (row_number() over (order by day_periods.period_grain, day_periods.period_start_date))
        + (dense_rank() over (order by day_periods.period_grain)) as period_id,
        day_periods.period_grain,
        day_periods.period_start_date,
        max(day_periods.date_day) as period_end_date,
        lag(day_periods.period_start_date) over history as previous_period_start_date,
        row_number() over history as period_number,
        max(day_periods.date_day) < known_days.as_of_date as is_complete
    from day_periods
    cross join known_days
    group by day_periods.period_grain, day_periods.period_start_date, known_days.first_day, known_days.as_of_date
    having max(day_periods.date_day) >= known_days.first_day and day_periods.period_start_date < known_days.as_of_date
    window history as (partition by day_periods.period_grain order by day_periods.period_start_date)
),

date_periods as (
    select
        day_periods.date_day,
        periods.period_id,
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.previous_period_start_date,
        periods.period_number,
        periods.is_complete
    from day_periods
    inner join periods using (period_grain, period_start_date)
)

select * from date_periods
