-- One row per basis, grain, cohort, age in periods and segment value: how many of the customers who first paid
-- (subscription) or first ordered (order) in one period are there in a later one. No day grain.

with
cohort_sums as (select * from {{ ref('int_cohort_sums') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }}),

cohorts as (
    select
        basis,
        cohort_id,
        segment_id,
        sum(started_customers) as cohort_size
    from cohort_sums
    group by basis, cohort_id, segment_id
),

-- The periods of a grain are numbered one after the other.
cohort_periods as (
    select
        cohorts.basis,
        cohorts.cohort_id,
        cohorts.segment_id,
        cohorts.cohort_size,
        first_periods.period_start_date as cohort_start_date,
        periods.period_id,
        periods.period_grain,
        periods.period_id - cohorts.cohort_id as periods_since,
        periods.segment,
        periods.segment_value,
        periods.is_complete
    from cohorts
    inner join segment_periods as first_periods
        on
            cohorts.basis = first_periods.basis
            and cohorts.segment_id = first_periods.segment_id
            and cohorts.cohort_id = first_periods.period_id
    inner join segment_periods as periods
        on
            cohorts.basis = periods.basis
            and cohorts.segment_id = periods.segment_id
            and first_periods.period_grain = periods.period_grain
            and cohorts.cohort_id <= periods.period_id
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
    left join cohort_sums using (basis, cohort_id, period_id, segment_id)
    window history as (
        partition by cohort_periods.basis, cohort_periods.segment_id, cohort_periods.cohort_id
        order by cohort_periods.period_id
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
