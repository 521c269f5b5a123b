-- One row per grain, period and segment value in which somebody ordered who had ordered in the period before: what
-- these retained customers spent in both, those who spent more apart from those who spent less.

with
-- A retained customer's first order in the period says so. The order before it is the last one of the period before.
first_orders as (select * from {{ ref('int_order_periods') }} where has_retained_customer),

corrections as (select * from {{ ref('int_customer_correction_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- Most customers order once in a period, so that one order is their revenue: the others alone are added up.
sums_of_several as (
    select
        customer_key,
        period_id,
        cast(sum(revenue) as decimal(34, 10)) as revenue
    from {{ ref('int_order_periods') }}
    where customer_key is not null and not (is_first_in_period and is_last_in_period)
    group by customer_key, period_id
),

-- The period before has the number before.
customer_revenue as (
    select
        first_orders.period_id,
        first_orders.combination_id,
        coalesce(sums.revenue, first_orders.revenue) + coalesce(corrections.revenue, 0) as revenue,
        coalesce(previous_sums.revenue, first_orders.previous_order_revenue)
        + coalesce(previous_corrections.revenue, 0) as previous_revenue
    from first_orders
    left join sums_of_several as sums using (customer_key, period_id)
    left join corrections using (customer_key, period_id)
    left join sums_of_several as previous_sums
        on
            first_orders.customer_key = previous_sums.customer_key
            and first_orders.period_id - 1 = previous_sums.period_id
    left join corrections as previous_corrections
        on
            first_orders.customer_key = previous_corrections.customer_key
            and first_orders.period_id - 1 = previous_corrections.period_id
),

revenue_by_combination as (
    select
        period_id,
        combination_id,
        sum(revenue) as revenue,
        sum(previous_revenue) as previous_revenue,
        sum(greatest(revenue - previous_revenue, 0)) as growth_revenue,
        sum(greatest(previous_revenue - revenue, 0)) as shrinkage_revenue
    from customer_revenue
    group by period_id, combination_id
),

retained_revenue as (
    select
        retained.period_id,
        segments.segment_id,
        cast(sum(retained.revenue) as decimal(34, 10)) as retained_revenue,
        cast(sum(retained.previous_revenue) as decimal(34, 10)) as previous_retained_revenue,
        cast(sum(retained.growth_revenue) as decimal(34, 10)) as growth_revenue,
        cast(sum(retained.shrinkage_revenue) as decimal(34, 10)) as shrinkage_revenue
    from revenue_by_combination as retained
    inner join segments using (combination_id)
    group by retained.period_id, segments.segment_id
)

select * from retained_revenue
