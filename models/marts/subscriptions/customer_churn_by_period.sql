-- One row per grain, period and segment value: paying customers at the opening and the closing of the period, who came
-- and went in between, and how the churn rate compares.

with
mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

subscribers_by_period as (select * from {{ ref('int_subscribers_by_period') }}),

churn_trends as (select * from {{ ref('int_churn_trends_by_period') }}),

churn_benchmarks as (select * from {{ ref('churn_benchmarks') }} where company_stage = '{{ var('company_stage') }}'),

customer_churn as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.period_start_date,
        mrr_by_period.period_end_date,
        mrr_by_period.is_complete,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        cast(mrr_by_period.opening_customers as bigint) as opening_customers,
        cast(mrr_by_period.new_customers as bigint) as new_customers,
        cast(mrr_by_period.reactivated_customers as bigint) as reactivated_customers,
        cast(mrr_by_period.churned_customers as bigint) as churned_customers,
        cast(mrr_by_period.closing_customers as bigint) as closing_customers,
        cast(mrr_by_period.transient_customers as bigint) as transient_customers,
        mrr_by_period.churn_rate,
        cast(mrr_by_period.net_new_customers as bigint) as net_new_customers,
        mrr_by_period.replacement_ratio,
        cast(mrr_by_period.customers_lost_while_new as bigint) as churned_new_customers,
        cast(mrr_by_period.churned_customers - mrr_by_period.customers_lost_while_new as bigint)
            as churned_existing_customers,
        cast(subscribers_by_period.opening_customers as bigint) as opening_customers_including_free,
        cast(subscribers_by_period.churned_customers as bigint) as churned_customers_including_free,
        cast(subscribers_by_period.closing_customers as bigint) as closing_customers_including_free,
        {{ ratio('subscribers_by_period.churned_customers', 'subscribers_by_period.opening_customers') }}
            as churn_rate_including_free,
        churn_trends.previous_churn_rate,
        mrr_by_period.churn_rate - churn_trends.previous_churn_rate as churn_rate_change,
        churn_trends.churn_rate_year_before,
        churn_trends.trailing_3_churn_rate,
        churn_trends.trailing_12_churn_rate,
        churn_trends.churn_rate_direction,
        {{ wilson_bound('mrr_by_period.churn_rate', 'mrr_by_period.opening_customers', -1) }} as churn_rate_low,
        {{ wilson_bound('mrr_by_period.churn_rate', 'mrr_by_period.opening_customers', 1) }} as churn_rate_high,
        mrr_by_period.opening_customers < {{ var('low_sample_customers') }} as is_low_sample,
        churn_benchmarks.benchmark_low,
        churn_benchmarks.benchmark_high,
        case
            when not mrr_by_period.is_complete or mrr_by_period.churn_rate is null then null
            when mrr_by_period.churn_rate < churn_benchmarks.benchmark_low then 'better'
            when mrr_by_period.churn_rate > churn_benchmarks.benchmark_high then 'worse'
            when churn_benchmarks.benchmark_low is not null then 'within'
        end as benchmark_verdict
    from mrr_by_period
    inner join churn_trends using (period_id, segment_id)
    left join subscribers_by_period using (period_id, segment_id)
    left join churn_benchmarks using (period_grain)
)

select * from customer_churn
