-- One row per grain, period and segment value with a trial that began in it: these trials by what became of them.

with
trials as (select * from {{ ref('int_trials') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

sums_by_combination as (
    select
        date_periods.period_id,
        trials.combination_id,
        count(*) as trials_started,
        count(*) filter (where trials.trial_outcome = 'converted') as trials_converted,
        count(*) filter (where trials.trial_outcome = 'pending') as trials_pending,
        count(*) filter (where trials.trial_outcome = 'abandoned') as trials_abandoned,
        count(*) filter (where trials.is_converted_in_time) as trials_converted_in_time
    from trials
    inner join date_periods on trials.start_date = date_periods.date_day
    group by date_periods.period_id, trials.combination_id
),

sums_by_segment as (
    select
        sums.period_id,
        segments.segment_id,
        cast(sum(sums.trials_started) as bigint) as trials_started,
        cast(sum(sums.trials_converted) as bigint) as trials_converted,
        cast(sum(sums.trials_pending) as bigint) as trials_pending,
        cast(sum(sums.trials_abandoned) as bigint) as trials_abandoned,
        cast(sum(sums.trials_converted_in_time) as bigint) as trials_converted_in_time
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.period_id, segments.segment_id
)

select * from sums_by_segment
