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
        subscriber_changes.customer_key,
        subscriber_changes.combination_id,
        period_grains.period_grain,
        date_periods.period_start_date,
        sum(subscriber_changes.subscriber_change) as subscriber_change
    from subscriber_changes
    cross join period_grains
    left join date_periods
        on
            subscriber_changes.change_date = date_periods.date_day
            and period_grains.period_grain = date_periods.period_grain
    group by
        subscriber_changes.customer_key, subscriber_changes.combination_id, period_grains.period_grain,
        date_periods.period_start_date
),

sums_by_combination as (
    select
        combination_id,
        period_grain,
        period_start_date,
        sum(subscriber_change) as net_change,
        count(*) filter (where subscriber_change = -1) as churned_customers
    from customer_periods
    group by combination_id, period_grain, period_start_date
),

changes as (
    select
        null as period_id,
        segments.segment_id,
        sums.period_grain,
        sums.period_start_date,
        sums.net_change,
        sums.churned_customers
    from sums_by_combination as sums
    inner join segments using (combination_id)
    union all
    select
        period_id,
        segment_id,
        period_grain,
        period_start_date,
        0 as net_change,
        0 as churned_customers
    from {{ ref('int_segment_periods') }}
    where basis = 'subscription' and segment_id > 0
),

balances as (
    select
        max(period_id) as period_id,
        segment_id,
        period_grain,
        period_start_date,
        sum(churned_customers) as churned_customers,
        sum(net_change) as net_change,
        (sum(sum(net_change)) over history) as closing_customers
    from changes
    group by segment_id, period_grain, period_start_date
    window history as (partition by segment_id, period_grain order by period_start_date nulls first)
),

subscribers as (
    select
        period_id,
        segment_id,
        closing_customers - net_change as opening_customers,
        churned_customers,
        closing_customers
    from balances
    where period_id is not null
)

select * from subscribers
