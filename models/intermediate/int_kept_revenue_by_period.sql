-- One row per grain, period and segment value in which somebody ordered who had ordered in the period before: what
-- these kept customers spent in both, those who spent more apart from those who spent less.

with

-- Each is read once: what is read twice is written down in between, and these are orders times grains.
order_periods as (select * from {{ ref('int_order_periods') }}),

previous_order_periods as (select * from {{ ref('int_order_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- One order of a kept customer in the period says so.
kept_customers as (

    select
        customer_id,
        period_grain,
        period_start_date,
        previous_period_start_date,
        country,
        acquisition_channel

    from {{ ref('int_order_periods') }}
    where has_retained_customer

),

revenue_of_both_periods as (

    select
        kept_customers.customer_id,
        kept_customers.period_grain,
        kept_customers.period_start_date,
        kept_customers.country,
        kept_customers.acquisition_channel,
        order_periods.revenue,
        0 as previous_revenue

    from kept_customers
    inner join order_periods
        on
            kept_customers.customer_id = order_periods.customer_id
            and kept_customers.period_grain = order_periods.period_grain
            and kept_customers.period_start_date = order_periods.period_start_date

    union all

    select
        kept_customers.customer_id,
        kept_customers.period_grain,
        kept_customers.period_start_date,
        kept_customers.country,
        kept_customers.acquisition_channel,
        0 as revenue,
        previous_order_periods.revenue as previous_revenue

    from kept_customers
    inner join previous_order_periods
        on
            kept_customers.customer_id = previous_order_periods.customer_id
            and kept_customers.period_grain = previous_order_periods.period_grain
            and kept_customers.previous_period_start_date = previous_order_periods.period_start_date

),

customer_revenue as (

    select
        customer_id,
        period_grain,
        period_start_date,
        country,
        acquisition_channel,
        sum(revenue) as revenue,
        sum(previous_revenue) as previous_revenue

    from revenue_of_both_periods
    group by customer_id, period_grain, period_start_date, country, acquisition_channel

),

kept_revenue as (

    select
        customer_revenue.period_grain,
        customer_revenue.period_start_date,
        segments.segment,
        segments.segment_value,
        cast(sum(customer_revenue.revenue) as decimal(38, 10)) as kept_revenue,
        cast(sum(customer_revenue.previous_revenue) as decimal(38, 10)) as previous_kept_revenue,
        cast(sum(greatest(customer_revenue.revenue - customer_revenue.previous_revenue, 0)) as decimal(38, 10))
            as growth_revenue,
        cast(sum(greatest(customer_revenue.previous_revenue - customer_revenue.revenue, 0)) as decimal(38, 10))
            as shrinkage_revenue

    from customer_revenue
    inner join segments
        on
            customer_revenue.country = segments.country
            and customer_revenue.acquisition_channel = segments.acquisition_channel
    group by
        customer_revenue.period_grain,
        customer_revenue.period_start_date,
        segments.segment,
        segments.segment_value

)

select * from kept_revenue
