-- By orders, the customers at the opening are never fewer than none, and those lost in a period never more than those
-- at its opening and those who came in it: by a first order, for inactivity also by one with which they returned.

with
churn_by_definition as (
    select *
    from {{ ref('churn_by_definition_by_period') }}
    where churn_definition in ('inactivity', 'single_purchase')
),

spans as (select * from {{ ref('int_order_churn_spans') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

arrivals as (
    select
        spans.churn_definition,
        date_periods.period_grain,
        date_periods.period_start_date,
        segments.segment,
        segments.segment_value,
        count(*) as customers
    from spans
    inner join date_periods on spans.start_date = date_periods.date_day
    inner join segments using (combination_id)
    group by
        spans.churn_definition, date_periods.period_grain, date_periods.period_start_date, segments.segment,
        segments.segment_value
)

select
    churn_by_definition.*,
    arrivals.customers as arrived_customers
from churn_by_definition
left join arrivals using (churn_definition, period_grain, period_start_date, segment, segment_value)
where
    churn_by_definition.opening_customers_at_risk < 0
    or churn_by_definition.lost_customers
    > churn_by_definition.opening_customers_at_risk + coalesce(arrivals.customers, 0)
