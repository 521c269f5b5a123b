-- One row per grain, period and segment value with a repeated order: average and median days between two orders of one
-- customer, booked in the period of the later order.

with

order_periods as (

    select
        *,
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as days_since_previous_order

    from {{ ref('int_order_periods') }}
    where previous_order_date is not null

),

segments as (select * from {{ ref('int_segments') }}),

-- percentile_cont takes the mean of the middle two of an even number.
gaps_by_segment as (

    select
        order_periods.period_grain,
        order_periods.period_start_date,
        segments.segment,
        segments.segment_value,
        {{ ratio('sum(order_periods.days_since_previous_order)', 'count(*)') }} as average_days_between_orders,
        percentile_cont(0.5) within group (order by order_periods.days_since_previous_order)
            as median_days_between_orders

    from order_periods
    inner join segments
        on
            order_periods.country = segments.country
            and order_periods.acquisition_channel = segments.acquisition_channel
    group by
        order_periods.period_grain,
        order_periods.period_start_date,
        segments.segment,
        segments.segment_value

)

select * from gaps_by_segment
