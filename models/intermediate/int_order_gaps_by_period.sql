-- One row per grain, period and segment value with a repeated order: average and median days between two orders of one
-- customer, booked in the period of the later order.

with
orders as (
    select
        *,
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as days_since_previous_order
    from {{ ref('int_order_sequence') }}
    where previous_order_date is not null
),

date_periods as (select * from {{ ref('int_date_periods') }}),

-- Millions of rows are grouped by segment: a number is a narrower key than two texts.
segments as (
    select
        *,
        dense_rank() over (order by segment, segment_value) as segment_number
    from {{ ref('int_segments') }}
),

daily_gaps as (
    select
        orders.order_date,
        segments.segment_number,
        orders.days_since_previous_order,
        count(*) as gaps
    from orders
    inner join segments using (country, acquisition_channel)
    group by orders.order_date, segments.segment_number, orders.days_since_previous_order
),

gaps as (
    select
        date_periods.period_grain,
        date_periods.period_start_date,
        daily_gaps.segment_number,
        daily_gaps.days_since_previous_order,
        sum(daily_gaps.gaps) as gaps
    from daily_gaps
    inner join date_periods on daily_gaps.order_date = date_periods.date_day
    group by
        date_periods.period_grain, date_periods.period_start_date, daily_gaps.segment_number,
        daily_gaps.days_since_previous_order
),

counted_gaps as (
    select
        *,
        sum(gaps) over up_to_this_gap as gaps_up_to_this,
        sum(gaps) over all_gaps as all_gaps
    from gaps
    window
        all_gaps as (partition by period_grain, period_start_date, segment_number),
        up_to_this_gap as (
            partition by period_grain, period_start_date, segment_number
            order by days_since_previous_order
        )
),

-- The middle two of an even number; of an odd number both are the one in the middle.
averages as (
    select
        period_grain,
        period_start_date,
        segment_number,
        sum(days_since_previous_order * gaps) as total_days,
        sum(gaps) as gaps,
        min(days_since_previous_order) filter (where 2 * gaps_up_to_this >= all_gaps) as lower_middle,
        min(days_since_previous_order) filter (where 2 * gaps_up_to_this > all_gaps) as upper_middle
    from counted_gaps
    group by period_grain, period_start_date, segment_number
),

-- There is a row per combination of attributes for each segment value.
averages_by_segment as (
    select distinct
        averages.period_grain,
        averages.period_start_date,
        segments.segment,
        segments.segment_value,
        {{ ratio('averages.total_days', 'averages.gaps') }} as average_days_between_orders,
        {{ ratio('averages.lower_middle + averages.upper_middle', '2') }} as median_days_between_orders
    from averages
    inner join segments using (segment_number)
)

select * from averages_by_segment
