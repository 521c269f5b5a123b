-- One row per grain, period and segment value: average and median days between two orders of one customer, booked in
-- the period of the later order. Worked out from how often each number of days occurs, which adds up over segments.

with

order_periods as (

    select *
    from {{ ref('int_order_periods') }}
    where previous_order_date is not null

),

segments as (select * from {{ ref('int_segments') }}),

gaps_by_combination as (

    select
        period_grain,
        period_start_date,
        country,
        acquisition_channel,
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as days_between_orders,
        count(*) as gaps

    from order_periods
    group by period_grain, period_start_date, country, acquisition_channel, days_between_orders

),

gaps_by_segment as (

    select
        gaps_by_combination.period_grain,
        gaps_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        gaps_by_combination.days_between_orders,
        sum(gaps_by_combination.gaps) as gaps

    from gaps_by_combination
    inner join segments
        on
            gaps_by_combination.country = segments.country
            and gaps_by_combination.acquisition_channel = segments.acquisition_channel
    group by
        gaps_by_combination.period_grain,
        gaps_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        gaps_by_combination.days_between_orders

),

ranked_gaps as (

    select
        gaps_by_segment.*,
        sum(gaps) over (
            partition by period_grain, period_start_date, segment, segment_value
            order by days_between_orders
        ) as gaps_up_to_here,
        sum(gaps) over (partition by period_grain, period_start_date, segment, segment_value) as all_gaps

    from gaps_by_segment

),

-- The median of an odd number of gaps is the middle one, of an even number the mean of the middle two.
averages as (

    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        {{ ratio('sum(gaps * days_between_orders)', 'sum(gaps)') }} as average_days_between_orders,
        {{ ratio(
            'min(days_between_orders) filter (where 2 * gaps_up_to_here >= all_gaps)
            + min(days_between_orders) filter (where 2 * gaps_up_to_here > all_gaps)',
            '2'
        ) }} as median_days_between_orders

    from ranked_gaps
    group by period_grain, period_start_date, segment, segment_value

)

select * from averages
