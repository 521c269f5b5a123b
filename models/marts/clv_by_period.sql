-- One row per grain, period and segment value, from the value's first paid start or countable order on: what a
-- customer is worth over a lifetime, from subscriptions and from orders. A side without such a period is null. Not by
-- plan, which orders have none of.

with
segment_periods as (
    select distinct
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value
    from {{ ref('int_segment_periods') }}
    where segment in (select segments.segment from {{ ref('int_segments') }} as segments)
),

period_grains as (select * from {{ ref('period_grains') }}),

mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

orders_by_period as (select * from {{ ref('int_orders_by_period') }}),

rates as (
    select
        segment_periods.*,
        {{ ratio('12', 'period_grains.periods_per_year') }} as months_in_period,
        {{ ratio('mrr_by_period.closing_mrr', 'mrr_by_period.closing_customers') }} as arpa,
        {{ ratio('mrr_by_period.churned_customers', 'mrr_by_period.opening_customers') }} as churn_rate,
        {{ ratio('orders_by_period.revenue', 'orders_by_period.orders') }} as average_order_value,
        {{ ratio('orders_by_period.identified_orders', 'orders_by_period.ordering_customers') }} as purchase_frequency,
        orders_by_period.previous_ordering_customers,
        orders_by_period.previous_ordering_customers
        - orders_by_period.retained_ordering_customers as lost_ordering_customers,
        orders_by_period.customers_to_date,
        orders_by_period.revenue_to_date,
        orders_by_period.identified_revenue_to_date
    from segment_periods
    inner join period_grains using (period_grain)
    left join mrr_by_period using (period_grain, period_start_date, segment, segment_value)
    left join orders_by_period using (period_grain, period_start_date, segment, segment_value)
),

-- Rates are added up as decimals: a sum of doubles depends on the order of its terms.
trailing_rates as (
    select
        *,
        {{ ratio('sum(cast(churn_rate as decimal(38, 18))) over six_before', 'count(churn_rate) over six_before') }}
            as trailing_churn_rate,
        {{ ratio('lost_ordering_customers', 'previous_ordering_customers') }} as order_churn_rate,
        {{ ratio('previous_ordering_customers', 'lost_ordering_customers') }} as lifespan_periods
    from rates
    window six_before as (
        partition by period_grain, segment, segment_value
        order by period_start_date
        rows between 6 preceding and 1 preceding
    )
),

lifetime_values as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(arpa as decimal(38, 6)) as arpa,
        churn_rate,
        cast({{ ratio('arpa * months_in_period * ' ~ var('gross_margin'), 'churn_rate') }} as decimal(38, 6))
            as subscription_clv,
        trailing_churn_rate,
        cast({{ ratio('arpa * months_in_period * ' ~ var('gross_margin'), 'trailing_churn_rate') }} as decimal(38, 6))
            as trailing_subscription_clv,
        cast(average_order_value as decimal(38, 6)) as average_order_value,
        purchase_frequency,
        order_churn_rate,
        lifespan_periods,
        cast(
            average_order_value * purchase_frequency * lifespan_periods * {{ var('gross_margin') }} as decimal(38, 6)
        ) as order_clv,
        cast(customers_to_date as bigint) as customers_to_date,
        cast(revenue_to_date as decimal(38, 10)) as revenue_to_date,
        cast({{ ratio('identified_revenue_to_date', 'customers_to_date') }} as decimal(38, 6)) as realized_order_clv
    from trailing_rates
)

select * from lifetime_values
