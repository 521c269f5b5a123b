-- One row per grain, period and segment value, from the value's first paid start or countable order on: what a
-- customer is worth over a lifetime, from subscriptions and from orders. A side without such a period is null. Not by
-- plan, which orders have none of.

with
segment_periods as (
    select distinct
        period_id,
        segment_id,
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value
    from {{ ref('int_segment_periods') }}
    where basis in ('subscription', 'order') and segment_id > 0
),

period_grains as (select * from {{ ref('period_grains') }}),

mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

orders_by_period as (select * from {{ ref('int_orders_by_period') }}),

-- Rates are added up as decimals: a sum of doubles depends on the order of its terms.
trailing_rates as (
    select
        segment_periods.*,
        {{ ratio('12', 'period_grains.periods_per_year') }} as months_in_period,
        mrr_by_period.arpa,
        mrr_by_period.churn_rate,
        {{ ratio(
            '(sum({}) over six_before)'.format(rounded('mrr_by_period.churn_rate', 18)),
            '(count(mrr_by_period.churn_rate) over six_before)'
        ) }}
            as trailing_churn_rate,
        orders_by_period.average_order_value,
        orders_by_period.purchase_frequency,
        orders_by_period.order_churn_rate,
        orders_by_period.lifespan_periods,
        orders_by_period.customers_to_date,
        orders_by_period.revenue_to_date,
        orders_by_period.realized_order_clv
    from segment_periods
    inner join period_grains using (period_grain)
    left join mrr_by_period using (period_id, segment_id)
    left join orders_by_period using (period_id, segment_id)
    window six_before as (
        partition by segment_periods.segment_id, segment_periods.period_grain
        order by segment_periods.period_start_date
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
        {{ rounded('arpa', 6) }} as arpa,
        churn_rate,
        {{ rounded(ratio('arpa * months_in_period * ' ~ var('gross_margin'), 'churn_rate'), 6) }} as subscription_clv,
        trailing_churn_rate,
        {{ rounded(ratio('arpa * months_in_period * ' ~ var('gross_margin'), 'trailing_churn_rate'), 6) }}
            as trailing_subscription_clv,
        {{ rounded('average_order_value', 6) }} as average_order_value,
        purchase_frequency,
        order_churn_rate,
        lifespan_periods,
        {{ rounded('average_order_value * purchase_frequency * lifespan_periods * ' ~ var('gross_margin'), 6) }}
            as order_clv,
        cast(customers_to_date as bigint) as customers_to_date,
        cast(revenue_to_date as decimal(38, 10)) as revenue_to_date,
        {{ rounded('realized_order_clv', 6) }} as realized_order_clv
    from trailing_rates
)

select * from lifetime_values
