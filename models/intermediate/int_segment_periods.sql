-- One row per basis (subscription or order), grain, period and segment value, from the value's first paid start or
-- countable order on: the rows that marts have, whether or not anything happened in them.

with

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

),

periods as (

    select *
    from {{ ref('int_date_periods') }}
    where date_day = period_start_date

),

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
