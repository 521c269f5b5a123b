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
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as days_between_orders,
        count(*) as gaps
    from orders
    group by order_date, combination_id, {{ dbt.datediff('previous_order_date', 'order_date', 'day') }}
),

-- A band is 32 days wide. The middle is looked for among bands first, and by the day in its bands alone.
gaps_by_combination as (
    select
        date_periods.period_id,
        daily_gaps.combination_id,
        daily_gaps.days_between_orders,
        cast(floor(daily_gaps.days_between_orders / 32.0) as integer) as band,
        sum(daily_gaps.gaps) as gaps
    from daily_gaps
    inner join date_periods on daily_gaps.order_date = date_periods.date_day
    group by date_periods.period_id, daily_gaps.combination_id, daily_gaps.days_between_orders
),

bands_by_combination as (
    select
        period_id,
        combination_id,
        band,
        sum(gaps) as gaps,
        sum(gaps * days_between_orders) as total_days
    from gaps_by_combination
    group by period_id, combination_id, band
),

bands as (
    select
        bands_by_combination.period_id,
        segments.segment_id,
        bands_by_combination.band,
        sum(bands_by_combination.gaps) as gaps,
        sum(bands_by_combination.total_days) as total_days
    from bands_by_combination
    inner join segments using (combination_id)
    group by bands_by_combination.period_id, segments.segment_id, bands_by_combination.band
),

counted_bands as (
    select
        *,
        (sum(gaps) over (partition by period_id, segment_id order by band)) as gaps_up_to_band,
        sum(gaps) over (partition by period_id, segment_id) as all_gaps,
        sum(total_days) over (partition by period_id, segment_id) as all_days
    from bands
),

middle_bands as (
    select * from counted_bands where 2 * (gaps_up_to_band - gaps) <= all_gaps and all_gaps <= 2 * gaps_up_to_band
),

gaps_in_middle_bands as (
    select
        gaps_by_combination.period_id,
        segments.segment_id,
        gaps_by_combination.band,
        gaps_by_combination.days_between_orders,
        sum(gaps_by_combination.gaps) as gaps
    from gaps_by_combination
    inner join segments using (combination_id)
    inner join middle_bands using (period_id, segment_id, band)
    group by
        gaps_by_combination.period_id, segments.segment_id, gaps_by_combination.band,
        gaps_by_combination.days_between_orders
),

counted_gaps as (
    select
        middle_bands.*,
        counted.days_between_orders,
        middle_bands.gaps_up_to_band - middle_bands.gaps + (sum(counted.gaps) over (
            partition by counted.period_id, counted.segment_id, counted.band order by counted.days_between_orders
        )) as gaps_up_to_this
    from gaps_in_middle_bands as counted
    inner join middle_bands using (period_id, segment_id, band)
),

-- The middle two of an even number; of an odd number both are the one in the middle.
middles as (
    select
        period_id,
        segment_id,
        all_days,
        all_gaps,
        min(days_between_orders) filter (where 2 * gaps_up_to_this >= all_gaps) as lower_middle,
        min(days_between_orders) filter (where 2 * gaps_up_to_this > all_gaps) as upper_middle
    from counted_gaps
    group by period_id, segment_id, all_days, all_gaps
),

averages as (
    select
        period_id,
        segment_id,
        {{ ratio('all_days', 'all_gaps') }} as average_days_between_orders,
        {{ ratio('lower_middle + upper_middle', '2') }} as median_days_between_orders
    from middles
)

select * from averages
