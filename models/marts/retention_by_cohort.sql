-- One row per basis, grain, cohort, age in periods and segment value: how many of the customers who first paid
-- (subscription) or first ordered (order) in one period are there in a later one. No day grain.

with
cohort_sums as (select * from {{ ref('int_cohort_sums') }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

cohorts as (
    select
        basis,
        period_grain,
        cohort_start_date,
        segment,
        segment_value,
        sum(started_customers) as cohort_size
    from cohort_sums
    group by basis, period_grain, cohort_start_date, segment, segment_value
),

cohort_periods as (
    select
        cohorts.*,
        periods.period_start_date,
        periods.period_number - first_periods.period_number as periods_since,
        periods.is_complete
    from cohorts
    inner join periods as first_periods
        on
            cohorts.period_grain = first_periods.period_grain
            and cohorts.cohort_start_date = first_periods.period_start_date
    inner join periods
        on
            cohorts.period_grain = periods.period_grain
            and cohorts.cohort_start_date <= periods.period_start_date
),

-- Subscription sums are changes: their running sum is who is paying. Order sums stand for themselves.
observations as (
    select
        cohort_periods.*,
        coalesce(cohort_sums.customers, 0) as customers,
        coalesce(cohort_sums.revenue, 0) as revenue,
        sum(cohort_sums.customers) over history as customers_so_far,
        sum(cohort_sums.revenue) over history as revenue_so_far
    from cohort_periods
    left join cohort_sums using (basis, period_grain, cohort_start_date, period_start_date, segment, segment_value)
    window history as (
        partition by basis, period_grain, cohort_start_date, segment, segment_value
        order by period_start_date
    )
),

retained as (
    select
        *,
        case basis when 'order' then customers else customers_so_far end as retained_customers,
        case basis when 'order' then revenue else revenue_so_far end as revenue_in_period
    from observations
),

cohort_retention as (
    select
        basis,
        period_grain,
        cohort_start_date,
        cast(periods_since as bigint) as periods_since,
        segment,
        segment_value,
        cast(cohort_size as bigint) as cohort_size,
        cast(retained_customers as bigint) as retained_customers,
        {{ ratio('retained_customers', 'cohort_size') }} as retention_rate,
        cast(revenue_in_period as decimal(38, 10)) as revenue,
        cast(case basis when 'order' then revenue_so_far end as decimal(38, 10)) as cumulative_revenue,
        is_complete
    from retained
)

select * from cohort_retention
