-- One row per grain, period and segment value in which somebody ordered who had ordered in the period before: what
-- these kept customers spent in both, those who spent more apart from those who spent less.

with
-- A kept customer's first order in the period says so. The order before it is the last one of the period before.
first_orders as (select * from {{ ref('int_order_periods') }} where has_retained_customer),

segments as (select * from {{ ref('int_segments') }}),

-- Most customers order once in a period, so that one order is their revenue: the others alone are added up.
sums_of_several as (
    select
        customer_id,
        period_grain,
        period_start_date,
        sum(revenue) as revenue
    from {{ ref('int_order_periods') }}
    where customer_id is not null and not (is_first_in_period and is_last_in_period)
    group by customer_id, period_grain, period_start_date
),

customer_revenue as (
    select
        first_orders.period_grain,
        first_orders.period_start_date,
        first_orders.country,
        first_orders.acquisition_channel,
        coalesce(sums.revenue, first_orders.revenue) as revenue,
        coalesce(previous_sums.revenue, first_orders.previous_order_revenue) as previous_revenue
    from first_orders
    left join sums_of_several as sums using (customer_id, period_grain, period_start_date)
    left join sums_of_several as previous_sums
        on
            first_orders.customer_id = previous_sums.customer_id
            and first_orders.period_grain = previous_sums.period_grain
            and first_orders.previous_period_start_date = previous_sums.period_start_date
),

revenue_by_combination as (
    select
        period_grain,
        period_start_date,
        country,
        acquisition_channel,
        sum(revenue) as revenue,
        sum(previous_revenue) as previous_revenue,
        sum(greatest(revenue - previous_revenue, 0)) as growth_revenue,
        sum(greatest(previous_revenue - revenue, 0)) as shrinkage_revenue
    from customer_revenue
    group by period_grain, period_start_date, country, acquisition_channel
),

kept_revenue as (
    select
        kept.period_grain,
        kept.period_start_date,
        segments.segment,
        segments.segment_value,
        cast(sum(kept.revenue) as decimal(38, 10)) as kept_revenue,
        cast(sum(kept.previous_revenue) as decimal(38, 10)) as previous_kept_revenue,
        cast(sum(kept.growth_revenue) as decimal(38, 10)) as growth_revenue,
        cast(sum(kept.shrinkage_revenue) as decimal(38, 10)) as shrinkage_revenue
    from revenue_by_combination as kept
    inner join segments using (country, acquisition_channel)
    group by kept.period_grain, kept.period_start_date, segments.segment, segments.segment_value
)

select * from kept_revenue
