-- One row per basis, grain, cohort, period and segment value in which the cohort did something.
-- Subscription: the change of its paying customers and of their MRR; order: its ordering customers and revenue, and
-- from its first period on what corrections take from it.

with
ledger as (
    select
        *,
        cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer) as paying_change
    from {{ ref('int_mrr_ledger') }}
),

order_periods as (
    select *
    from {{ ref('int_order_periods') }}
    where period_grain <> 'day' and customer_key is not null
),

corrections as (select * from {{ ref('int_corrections') }} where first_order_date is not null),

date_periods as (select * from {{ ref('int_date_periods') }} where period_grain <> 'day'),

segments as (select * from {{ ref('int_segments') }}),

-- Changes of one cohort's first day and one day: the grains multiply the sums.
ledger_sums as (
    select
        movement_date,
        first_paid_date,
        combination_id,
        count(*) filter (where movement_date = first_paid_date) as started_customers,
        sum(paying_change) as customers,
        sum(mrr_change) as revenue
    from ledger
    group by movement_date, first_paid_date, combination_id
),

-- Each first date is in the calendar. The joins to it are left joins, or DuckDB would multiply the calendar by itself
-- before it looks up any row.
sums_by_combination as (
    select
        'subscription' as basis,
        cohort_periods.period_id as cohort_id,
        date_periods.period_id,
        sums.combination_id,
        sum(sums.started_customers) as started_customers,
        sum(sums.customers) as customers,
        cast(sum(sums.revenue) as decimal(38, 10)) as revenue
    from ledger_sums as sums
    inner join date_periods on sums.movement_date = date_periods.date_day
    left join date_periods as cohort_periods
        on
            sums.first_paid_date = cohort_periods.date_day
            and date_periods.period_grain = cohort_periods.period_grain
    group by cohort_periods.period_id, date_periods.period_id, sums.combination_id
    union all
    select
        'order' as basis,
        cohort_periods.period_id as cohort_id,
        order_periods.period_id,
        order_periods.combination_id,
        count(*) filter (where order_periods.order_number = 1) as started_customers,
        count(*) filter (where order_periods.is_first_in_period) as customers,
        sum(order_periods.revenue) as revenue
    from order_periods
    left join date_periods as cohort_periods
        on
            order_periods.first_order_date = cohort_periods.date_day
            and order_periods.period_grain = cohort_periods.period_grain
    group by cohort_periods.period_id, order_periods.period_id, order_periods.combination_id
    union all
    select
        'order' as basis,
        cohort_periods.period_id as cohort_id,
        date_periods.period_id,
        corrections.combination_id,
        0 as started_customers,
        0 as customers,
        sum(corrections.revenue) as revenue
    from corrections
    inner join date_periods on corrections.correction_date = date_periods.date_day
    left join date_periods as cohort_periods
        on
            corrections.first_order_date = cohort_periods.date_day
            and date_periods.period_grain = cohort_periods.period_grain
    where cohort_periods.period_id <= date_periods.period_id
    group by cohort_periods.period_id, date_periods.period_id, corrections.combination_id
),

sums_by_segment as (
    select
        sums.basis,
        sums.cohort_id,
        sums.period_id,
        segments.segment_id,
        cast(sum(sums.started_customers) as bigint) as started_customers,
        cast(sum(sums.customers) as bigint) as customers,
        cast(sum(sums.revenue) as decimal(38, 10)) as revenue
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.basis, sums.cohort_id, sums.period_id, segments.segment_id
)

select * from sums_by_segment
