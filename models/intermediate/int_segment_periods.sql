-- One row per basis (subscription or order), grain, period and segment value, from the value's first paid start or
-- countable order on: the rows that marts have, whether or not anything happened in them.

with
date_periods as (select * from {{ ref('int_date_periods') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

-- A plan may be paid for long before it is anybody's highest.
first_paid_starts as (
    select
        plan_id,
        min(start_date) as start_date
    from {{ ref('int_mrr_stretches') }}
    where mrr > 0
    group by plan_id
),

active_periods as (
    select
        'subscription' as basis,
        period_grain,
        period_start_date,
        segment,
        segment_value
    from {{ ref('int_mrr_movements_by_period') }}
    union all
    select
        'order' as basis,
        period_grain,
        period_start_date,
        segment,
        segment_value
    from {{ ref('int_order_sums_by_period') }}
    union all
    select
        'subscription' as basis,
        date_periods.period_grain,
        date_periods.period_start_date,
        plan_segments.segment,
        plan_segments.segment_value
    from first_paid_starts
    inner join date_periods on first_paid_starts.start_date = date_periods.date_day
    inner join plan_segments using (plan_id)
),

periods as (select * from date_periods where date_day = period_start_date),

first_periods as (
    select
        basis,
        period_grain,
        segment,
        segment_value,
        min(period_start_date) as first_period_start_date
    from active_periods
    group by basis, period_grain, segment, segment_value
),

segment_periods as (
    select
        first_periods.basis,
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.is_complete,
        first_periods.segment,
        first_periods.segment_value
    from first_periods
    inner join periods
        on
            first_periods.period_grain = periods.period_grain
            and first_periods.first_period_start_date <= periods.period_start_date
)

select * from segment_periods
