-- One row per grain, period and segment value, from the value's first paid start on: its subscribers, paid, free or on
-- trial, at the opening and the closing of the period, and those who were at the opening alone. Not by plan.

with
subscriber_changes as (select * from {{ ref('int_subscriber_changes') }}),

period_grains as (select * from {{ ref('period_grains') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- Free subscriptions may be older than the first period: their changes are in a period without a date.
-- A customer's changes alternate, so that those of a period add up to -1, 0 or 1.
customer_periods as (
    select
        subscriber_changes.customer_id,
        period_grains.period_grain,
        date_periods.period_start_date,
        subscriber_changes.country,
        subscriber_changes.acquisition_channel,
        sum(subscriber_changes.subscriber_change) as subscriber_change
    from subscriber_changes
    cross join period_grains
    left join date_periods
        on
            subscriber_changes.change_date = date_periods.date_day
            and period_grains.period_grain = date_periods.period_grain
    group by
        subscriber_changes.customer_id, period_grains.period_grain, date_periods.period_start_date,
        subscriber_changes.country, subscriber_changes.acquisition_channel
),

sums_by_combination as (
    select
        period_grain,
        period_start_date,
        country,
        acquisition_channel,
        sum(subscriber_change) as net_change,
        count(*) filter (where subscriber_change = -1) as churned_customers
    from customer_periods
    group by period_grain, period_start_date, country, acquisition_channel
),

changes as (
    select
        sums.period_grain,
        sums.period_start_date,
        segments.segment,
        segments.segment_value,
        sums.net_change,
        sums.churned_customers,
        0 as segment_periods
    from sums_by_combination as sums
    inner join segments using (country, acquisition_channel)
    union all
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        0 as net_change,
        0 as churned_customers,
        1 as segment_periods
    from {{ ref('int_segment_periods') }}
    where basis = 'subscription' and segment in (select segments.segment from segments)
),

balances as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        sum(segment_periods) as segment_periods,
        sum(churned_customers) as churned_customers,
        sum(net_change) as net_change,
        sum(sum(net_change)) over history as closing_customers
    from changes
    group by period_grain, period_start_date, segment, segment_value
    window history as (partition by period_grain, segment, segment_value order by period_start_date nulls first)
),

subscribers as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        closing_customers - net_change as opening_customers,
        churned_customers,
        closing_customers
    from balances
    where segment_periods > 0
)

select * from subscribers
