-- One row per grain, period, segment value and lifecycle stage, from the value's first customer on: the customers who
-- are in that stage at the closing of the period.

with
changes as (select * from {{ ref('int_lifecycle_changes_by_period') }}),

lifecycle_stages as (select * from {{ ref('lifecycle_stages') }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

first_periods as (
    select
        period_grain,
        segment,
        segment_value,
        min(period_start_date) as first_period_start_date
    from changes
    group by period_grain, segment, segment_value
),

stage_periods as (
    select
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.is_complete,
        first_periods.segment,
        first_periods.segment_value,
        lifecycle_stages.lifecycle_stage
    from first_periods
    inner join periods
        on
            first_periods.period_grain = periods.period_grain
            and first_periods.first_period_start_date <= periods.period_start_date
    cross join lifecycle_stages
),

stage_changes as (
    select
        stage_periods.*,
        coalesce(changes.customers, 0) as customers_change
    from stage_periods
    left join changes using (period_grain, period_start_date, segment, segment_value, lifecycle_stage)
),

lifecycle as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        lifecycle_stage,
        cast(sum(customers_change) over history as bigint) as customers
    from stage_changes
    window history as (partition by period_grain, segment, segment_value, lifecycle_stage order by period_start_date)
)

select * from lifecycle
