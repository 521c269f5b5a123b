-- One row per basis, grain, cohort, period and segment value in which the cohort did something.
-- Subscription: the change of its paying customers and of their MRR; order: its ordering customers and revenue.

with
ledger as (
    select
        *,
        cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer) as paying_change
    from {{ ref('int_mrr_ledger') }}
),

order_periods as (select * from {{ ref('int_order_periods') }} where period_grain <> 'day' and customer_id is not null),

date_periods as (select * from {{ ref('int_date_periods') }} where period_grain <> 'day'),

segments as (select * from {{ ref('int_segments') }}),

-- Each first date is in the calendar. The joins to it are left joins, or DuckDB would multiply the calendar by itself
-- before it looks up any row.
sums_by_combination as (
    select
        'subscription' as basis,
        date_periods.period_grain,
        cohort_periods.period_start_date as cohort_start_date,
        date_periods.period_start_date,
        ledger.country,
        ledger.acquisition_channel,
        count(*) filter (where ledger.movement_date = ledger.first_paid_date) as started_customers,
        sum(ledger.paying_change) as customers,
        cast(sum(ledger.mrr_change) as decimal(38, 10)) as revenue
    from ledger
    inner join date_periods on ledger.movement_date = date_periods.date_day
    left join date_periods as cohort_periods
        on
            ledger.first_paid_date = cohort_periods.date_day
            and date_periods.period_grain = cohort_periods.period_grain
    group by
        date_periods.period_grain, cohort_periods.period_start_date, date_periods.period_start_date, ledger.country,
        ledger.acquisition_channel
    union all
    select
        'order' as basis,
        order_periods.period_grain,
        cohort_periods.period_start_date as cohort_start_date,
        order_periods.period_start_date,
        order_periods.country,
        order_periods.acquisition_channel,
        count(*) filter (where order_periods.order_number = 1) as started_customers,
        count(*) filter (where order_periods.is_first_in_period) as customers,
        sum(order_periods.revenue) as revenue
    from order_periods
    left join date_periods as cohort_periods
        on
            order_periods.first_order_date = cohort_periods.date_day
            and order_periods.period_grain = cohort_periods.period_grain
    group by
        order_periods.period_grain, cohort_periods.period_start_date, order_periods.period_start_date,
        order_periods.country, order_periods.acquisition_channel
),

sums_by_segment as (
    select
        sums.basis,
        sums.period_grain,
        sums.cohort_start_date,
        sums.period_start_date,
        segments.segment,
        segments.segment_value,
        cast(sum(sums.started_customers) as bigint) as started_customers,
        cast(sum(sums.customers) as bigint) as customers,
        cast(sum(sums.revenue) as decimal(38, 10)) as revenue
    from sums_by_combination as sums
    inner join segments using (country, acquisition_channel)
    group by
        sums.basis, sums.period_grain, sums.cohort_start_date, sums.period_start_date, segments.segment,
        segments.segment_value
)

select * from sums_by_segment
