-- One row per grain, period and segment value with a repeated order: average and median days between two orders of one
-- customer, booked in the period of the later order.

with
orders as (select * from {{ ref('int_order_sequence') }} where previous_order_date is not null),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

daily_gaps as (
    select
        order_date,
        combination_id,
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as days_since_previous_order,
        count(*) as gaps
    from orders
    group by order_date, combination_id, {{ dbt.datediff('previous_order_date', 'order_date', 'day') }}
),

gaps_by_combination as (
    select
        date_periods.period_id,
        daily_gaps.combination_id,
        daily_gaps.days_since_previous_order,
        sum(daily_gaps.gaps) as gaps
    from daily_gaps
    inner join date_periods on daily_gaps.order_date = date_periods.date_day
    group by date_periods.period_id, daily_gaps.combination_id, daily_gaps.days_since_previous_order
),

gaps_by_segment as (
    select
        gaps.period_id,
        segments.segment_id,
        gaps.days_since_previous_order,
        sum(gaps.gaps) as gaps
    from gaps_by_combination as gaps
    inner join segments using (combination_id)
    group by gaps.period_id, segments.segment_id, gaps.days_since_previous_order
),

counted_gaps as (
    select
        *,
        sum(gaps) over up_to_this_gap as gaps_up_to_this,
        sum(gaps) over all_gaps as all_gaps
    from gaps_by_segment
    window
        all_gaps as (partition by period_id, segment_id),
        up_to_this_gap as (partition by period_id, segment_id order by days_since_previous_order)
),

-- The middle two of an even number; of an odd number both are the one in the middle.
middles as (
    select
        period_id,
        segment_id,
        sum(days_since_previous_order * gaps) as total_days,
        sum(gaps) as gaps,
        min(days_since_previous_order) filter (where 2 * gaps_up_to_this >= all_gaps) as lower_middle,
        min(days_since_previous_order) filter (where 2 * gaps_up_to_this > all_gaps) as upper_middle
    from counted_gaps
    group by period_id, segment_id
),

averages as (
    select
        period_id,
        segment_id,
        {{ ratio('total_days', 'gaps') }} as average_days_between_orders,
        {{ ratio('lower_middle + upper_middle', '2') }} as median_days_between_orders
    from middles
)

select * from averages
