-- On every grain, the trials of all periods are those that began inside the calendar, and each has one outcome.

with
trials as (select * from {{ ref('int_trials') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

trials_in_the_calendar as (
    select
        date_periods.period_grain,
        count(*) as trials_started
    from trials
    inner join date_periods on trials.start_date = date_periods.date_day
    group by date_periods.period_grain
),

period_sums as (
    select
        period_grain,
        sum(trials_started) as trials_started,
        sum(trials_converted + trials_pending + trials_abandoned) as trials_ended_up
    from {{ ref('trial_conversion_by_period') }}
    where segment = 'all'
    group by period_grain
)

select
    trials_in_the_calendar.*,
    period_sums.trials_started as trials_of_the_periods,
    period_sums.trials_ended_up
from trials_in_the_calendar
full join period_sums using (period_grain)
where
    trials_in_the_calendar.trials_started is distinct from period_sums.trials_started
    or trials_in_the_calendar.trials_started is distinct from period_sums.trials_ended_up
