-- One row per day and grain: the period of that grain the day belongs to.
-- Joining facts to it on the day is how one query serves every grain. It reaches from the first day of the period
-- that holds the earliest paid start or countable order to the last day of the one that holds the last known day.

{% set months_late = var('fiscal_year_start_month') | int - 1 %}

with
period_grains as (select * from {{ ref('period_grains') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

first_facts as (
    select min(movement_date) as first_date
    from {{ ref('int_mrr_ledger') }}
    union all
    select min(order_date) as first_date
    from {{ ref('int_order_sequence') }}
),

known_days as (
    select
        min(first_facts.first_date) as first_day,
        as_of_date.as_of_date
    from first_facts
    cross join as_of_date
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

-- A fiscal year that starts in April is a calendar year three months late.
day_periods as (
    select
        period_grains.period_grain,
        days.date_day,
        cast(
            case
                when period_grains.follows_fiscal_year
                    then {{ dbt.dateadd('month', months_late, 'date_trunc(period_grains.period_grain, '
                        ~ dbt.dateadd('month', -months_late, 'days.date_day') ~ ')') }}
                else date_trunc(period_grains.period_grain, days.date_day)
            end as date
        ) as period_start_date
    from days
    cross join period_grains
),

periods as (
    select
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
        periods.*
    from day_periods
    inner join periods using (period_grain, period_start_date)
)

select * from date_periods
