-- One row per grain, period, segment value, type and reason of churn, band of tenure and plan of customers who churned:
-- the audit of the lost, which adds up to the churned customers and MRR of the period.

with

churned_customers as (

    select *
    from {{ ref('int_customer_mrr_periods') }}
    where movement_type = 'churn'

),

churn_events as (

    select *
    from {{ ref('churn_events') }}
    where churn_definition = 'subscription_end'

),

segments as (select * from {{ ref('int_segments') }}),

segment_periods as (

    select *
    from {{ ref('int_segment_periods') }}
    where basis = 'subscription' and segment in ('all', 'country', 'acquisition_channel')

),

sums_by_combination as (

    select
        churned_customers.period_grain,
        churned_customers.period_start_date,
        churned_customers.country,
        churned_customers.acquisition_channel,
        churn_events.churn_type,
        churn_events.reason,
        churn_events.tenure_band,
        churn_events.plan_id,
        count(*) as customers,
        sum(churned_customers.opening_mrr) as mrr

    from churned_customers
    inner join churn_events
        on
            churned_customers.customer_id = churn_events.customer_id
            and churned_customers.churned_on = churn_events.churned_on
    group by
        churned_customers.period_grain, churned_customers.period_start_date, churned_customers.country,
        churned_customers.acquisition_channel, churn_events.churn_type, churn_events.reason, churn_events.tenure_band,
        churn_events.plan_id

),

sums_by_segment as (

    select
        sums.period_grain,
        sums.period_start_date,
        segments.segment,
        segments.segment_value,
        sums.churn_type,
        sums.reason,
        sums.tenure_band,
        sums.plan_id,
        sum(sums.customers) as customers,
        sum(sums.mrr) as mrr

    from sums_by_combination as sums
    inner join segments
        on
            sums.country = segments.country
            and sums.acquisition_channel = segments.acquisition_channel
    group by
        sums.period_grain, sums.period_start_date, segments.segment, segments.segment_value, sums.churn_type,
        sums.reason, sums.tenure_band, sums.plan_id

),

shares as (

    select
        segment_periods.period_grain,
        segment_periods.period_start_date,
        segment_periods.period_end_date,
        segment_periods.is_complete,
        segment_periods.segment,
        segment_periods.segment_value,
        sums.churn_type,
        sums.reason,
        sums.tenure_band,
        sums.plan_id,
        cast(sums.customers as bigint) as churned_customers,
        cast(sums.mrr as decimal(38, 6)) as churned_mrr,
        {{ ratio('sums.customers', 'sum(sums.customers) over period') }} as share_of_churned_customers,
        {{ ratio('sums.mrr', 'sum(sums.mrr) over period') }} as share_of_churned_mrr

    from sums_by_segment as sums
    inner join segment_periods
        on
            sums.period_grain = segment_periods.period_grain
            and sums.period_start_date = segment_periods.period_start_date
            and sums.segment = segment_periods.segment
            and sums.segment_value = segment_periods.segment_value
    window period as (
        partition by sums.period_grain, sums.period_start_date, sums.segment, sums.segment_value
    )

)

select * from shares
