-- One row per grain, period and segment value, from the value's first trial on: the trials that began in the period
-- and what became of them.

with
sums as (select * from {{ ref('int_trial_sums_by_period') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

segment_periods as (
    select
        segment_periods.*,
        {{ dbt.dateadd('day', var('trial_conversion_days'), 'segment_periods.period_end_date') }}
        < as_of_date.as_of_date as is_old_enough
    from {{ ref('int_segment_periods') }} as segment_periods
    cross join as_of_date
    where segment_periods.basis = 'trial'
),

trial_conversion as (
    select
        segment_periods.period_grain,
        segment_periods.period_start_date,
        segment_periods.period_end_date,
        segment_periods.is_complete,
        segment_periods.segment,
        segment_periods.segment_value,
        cast(coalesce(sums.trials_started, 0) as bigint) as trials_started,
        cast(coalesce(sums.trials_converted, 0) as bigint) as trials_converted,
        cast(coalesce(sums.trials_pending, 0) as bigint) as trials_pending,
        cast(coalesce(sums.trials_abandoned, 0) as bigint) as trials_abandoned,
        cast(coalesce(sums.trials_converted_in_time, 0) as bigint) as trials_converted_in_time,
        -- Of younger periods some trials may still convert in time.
        case
            when segment_periods.is_old_enough
                then {{ ratio('sums.trials_converted_in_time', 'sums.trials_started') }}
        end as conversion_rate
    from segment_periods
    left join sums using (period_id, segment_id)
)

select * from trial_conversion
