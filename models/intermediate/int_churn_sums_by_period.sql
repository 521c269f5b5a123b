-- One row per definition of churn, grain, period and segment value in which anybody was lost by it, or the number of
-- those who may be lost by it changed.

with
subscription_churn as (select * from {{ ref('int_subscription_churn') }}),

order_churn_spans as (select * from {{ ref('int_order_churn_spans') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- A cancellation asked for before the first payment counts from that day on: before it there is nobody to lose.
changes as (
    select
        churn_definition,
        greatest(churned_on, first_paid_date) as change_date,
        country,
        acquisition_channel,
        1 as churned_customers,
        0 as customers_change,
        mrr_lost
    from subscription_churn
    union all
    select
        churn_definition,
        start_date as change_date,
        country,
        acquisition_channel,
        0 as churned_customers,
        1 as customers_change,
        null as mrr_lost
    from order_churn_spans
    union all
    select
        churn_definition,
        end_date as change_date,
        country,
        acquisition_channel,
        cast(is_lost as integer) as churned_customers,
        -1 as customers_change,
        null as mrr_lost
    from order_churn_spans
    where end_date is not null
),

sums_by_combination as (
    select
        changes.churn_definition,
        date_periods.period_grain,
        date_periods.period_start_date,
        changes.country,
        changes.acquisition_channel,
        sum(changes.churned_customers) as churned_customers,
        sum(changes.customers_change) as customers_change,
        sum(changes.mrr_lost) as mrr_lost
    from changes
    inner join date_periods on changes.change_date = date_periods.date_day
    group by
        changes.churn_definition, date_periods.period_grain, date_periods.period_start_date, changes.country,
        changes.acquisition_channel
),

sums_by_segment as (
    select
        sums.churn_definition,
        sums.period_grain,
        sums.period_start_date,
        segments.segment,
        segments.segment_value,
        cast(sum(sums.churned_customers) as bigint) as churned_customers,
        cast(sum(sums.customers_change) as bigint) as customers_change,
        cast(sum(sums.mrr_lost) as decimal(38, 6)) as mrr_lost
    from sums_by_combination as sums
    inner join segments using (country, acquisition_channel)
    group by sums.churn_definition, sums.period_grain, sums.period_start_date, segments.segment, segments.segment_value
)

select * from sums_by_segment
