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
        combination_id,
        1 as lost_customers,
        0 as customers_change,
        mrr_lost
    from subscription_churn
    union all
    select
        churn_definition,
        start_date as change_date,
        combination_id,
        0 as lost_customers,
        1 as customers_change,
        null as mrr_lost
    from order_churn_spans
    union all
    select
        churn_definition,
        end_date as change_date,
        combination_id,
        cast(is_lost as integer) as lost_customers,
        -1 as customers_change,
        null as mrr_lost
    from order_churn_spans
    where end_date is not null
),

-- Added up by day before the grains multiply it.
sums_by_day as (
    select
        churn_definition,
        change_date,
        combination_id,
        sum(lost_customers) as lost_customers,
        sum(customers_change) as customers_change,
        sum(mrr_lost) as mrr_lost
    from changes
    group by churn_definition, change_date, combination_id
),

sums_by_combination as (
    select
        sums.churn_definition,
        date_periods.period_id,
        sums.combination_id,
        sum(sums.lost_customers) as lost_customers,
        sum(sums.customers_change) as customers_change,
        sum(sums.mrr_lost) as mrr_lost
    from sums_by_day as sums
    inner join date_periods on sums.change_date = date_periods.date_day
    group by sums.churn_definition, date_periods.period_id, sums.combination_id
),

sums_by_segment as (
    select
        sums.churn_definition,
        sums.period_id,
        segments.segment_id,
        cast(sum(sums.lost_customers) as bigint) as lost_customers,
        cast(sum(sums.customers_change) as bigint) as customers_change,
        cast(sum(sums.mrr_lost) as decimal(38, 6)) as mrr_lost
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.churn_definition, sums.period_id, segments.segment_id
)

select * from sums_by_segment
