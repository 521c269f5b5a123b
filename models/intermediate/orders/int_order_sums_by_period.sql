-- One row per grain, period and segment value with a countable order: its orders and their customers added up,
-- without corrections.

with
order_periods as (select * from {{ ref('int_order_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- Each flag is true of exactly one order of a customer, so that counting orders counts customers.
sums_by_combination as (
    select
        period_id,
        combination_id,
        count(*) as orders,
        sum(revenue) as revenue,
        count(customer_key) as identified_orders,
        sum(revenue) filter (where customer_key is not null) as identified_revenue,
        sum(revenue) filter (where first_order_date >= period_start_date) as new_customer_revenue,
        count(*) filter (where is_first_in_period) as ordering_customers,
        count(*) filter (where order_number = 1) as new_ordering_customers,
        count(*) filter (where order_number = 2) as first_repeating_customers,
        count(*) filter (where is_last_in_period and order_number > 1) as returning_customers,
        count(*) filter (where is_second_in_period) as repeat_customers,
        count(*) filter (where has_retained_customer) as retained_ordering_customers
    from order_periods
    group by period_id, combination_id
),

sums_by_segment as (
    select
        sums.period_id,
        segments.segment_id,
        cast(sum(sums.orders) as bigint) as orders,
        cast(sum(sums.revenue) as decimal(34, 10)) as revenue,
        cast(sum(sums.identified_orders) as bigint) as identified_orders,
        cast(coalesce(sum(sums.identified_revenue), 0) as decimal(34, 10)) as identified_revenue,
        cast(coalesce(sum(sums.new_customer_revenue), 0) as decimal(34, 10)) as new_customer_revenue,
        cast(sum(sums.ordering_customers) as bigint) as ordering_customers,
        cast(sum(sums.new_ordering_customers) as bigint) as new_ordering_customers,
        cast(sum(sums.first_repeating_customers) as bigint) as first_repeating_customers,
        cast(sum(sums.returning_customers) as bigint) as returning_customers,
        cast(sum(sums.repeat_customers) as bigint) as repeat_customers,
        cast(sum(sums.retained_ordering_customers) as bigint) as retained_ordering_customers
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.period_id, segments.segment_id
)

select * from sums_by_segment
