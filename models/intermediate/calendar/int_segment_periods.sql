-- One row per basis (subscription, order, trial, lifecycle), grain, period and segment value: the rows that marts have,
-- whether or not anything happened in them. A value has them from the period of its first day on; what is older than
-- the calendar counts from its first period on, but trials, which then do not count at all.

with
periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

trial_days as (
    select
        date_periods.period_grain,
        trials.combination_id,
        min(trials.start_date) as first_date
    from {{ ref('int_trials') }} as trials
    inner join {{ ref('int_date_periods') }} as date_periods on trials.start_date = date_periods.date_day
    group by date_periods.period_grain, trials.combination_id
),

first_days as (
    select
        first_days.basis,
        period_grains.period_grain,
        first_days.segment_id,
        first_days.segment,
        first_days.segment_value,
        first_days.first_date
    from {{ ref('int_first_days') }} as first_days
    cross join {{ ref('period_grains') }} as period_grains
    union all
    select
        'trial' as basis,
        trial_days.period_grain,
        segments.segment_id,
        segments.segment,
        segments.segment_value,
        min(trial_days.first_date) as first_date
    from trial_days
    inner join {{ ref('int_segments') }} as segments using (combination_id)
    group by trial_days.period_grain, segments.segment_id, segments.segment, segments.segment_value
),

segment_periods as (
    select
        first_days.basis,
        periods.period_id,
        first_days.segment_id,
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.is_complete,
        first_days.segment,
        first_days.segment_value
    from first_days
    inner join periods
        on
            first_days.period_grain = periods.period_grain
            and first_days.first_date <= periods.period_end_date
)

select * from segment_periods
