-- The cohorts seen in a period add up to it: those paying to its closing customers and MRR, those ordering to its
-- ordering customers, on every grain of cohorts and every segment value.

with
cohorts as (select * from {{ ref('retention_by_cohort') }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

-- Added up before the period is looked up: there are far more cohorts than periods.
sums_by_number as (
    select
        cohorts.basis,
        cohorts.period_grain,
        periods.period_number + cohorts.periods_since as period_number,
        cohorts.segment,
        cohorts.segment_value,
        sum(cohorts.retained_customers) as customers,
        cast(sum(cohorts.revenue) as decimal(34, 10)) as revenue
    from cohorts
    inner join periods
        on
            cohorts.period_grain = periods.period_grain
            and cohorts.cohort_start_date = periods.period_start_date
    group by
        cohorts.basis, cohorts.period_grain, periods.period_number + cohorts.periods_since, cohorts.segment,
        cohorts.segment_value
),

cohort_sums as (
    select
        sums_by_number.*,
        periods.period_start_date
    from sums_by_number
    inner join periods using (period_grain, period_number)
),

period_sums as (
    select
        'subscription' as basis,
        period_grain,
        period_start_date,
        segment,
        segment_value,
        closing_customers as customers,
        cast(closing_mrr as decimal(38, 10)) as revenue
    from {{ ref('int_mrr_by_period') }}
    where period_grain <> 'day' and segment in (select segments.segment from {{ ref('int_segments') }} as segments)
    union all
    select
        'order' as basis,
        period_grain,
        period_start_date,
        segment,
        segment_value,
        ordering_customers as customers,
        identified_revenue as revenue
    from {{ ref('int_orders_by_period') }}
    where period_grain <> 'day'
),

-- Corrections of customers without an order by then belong to no cohort.
corrections_of_no_cohort as (
    select
        'order' as basis,
        periods.period_grain,
        periods.period_start_date,
        segments.segment,
        segments.segment_value,
        cast(sum(corrections.revenue) as decimal(34, 10)) as revenue
    from {{ ref('int_corrections') }} as corrections
    inner join {{ ref('int_date_periods') }} as periods on corrections.correction_date = periods.date_day
    inner join {{ ref('int_segments') }} as segments using (combination_id)
    where
        corrections.customer_key is not null
        and coalesce(corrections.first_order_date > periods.period_end_date, true)
    group by periods.period_grain, periods.period_start_date, segments.segment, segments.segment_value
)

select
    period_sums.*,
    cohort_sums.customers as customers_of_cohorts,
    cohort_sums.revenue as revenue_of_cohorts
from period_sums
left join cohort_sums using (basis, period_grain, period_start_date, segment, segment_value)
left join corrections_of_no_cohort using (basis, period_grain, period_start_date, segment, segment_value)
where
    period_sums.customers <> coalesce(cohort_sums.customers, 0)
    or period_sums.revenue <> coalesce(cohort_sums.revenue, 0) + coalesce(corrections_of_no_cohort.revenue, 0)
