-- One row per grain, period and segment value: paying customers at the opening and the closing of the period, and who
-- came and went in between.

with

mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

customer_churn as (

    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(opening_customers as bigint) as opening_customers,
        cast(new_customers as bigint) as new_customers,
        cast(reactivated_customers as bigint) as reactivated_customers,
        cast(churned_customers as bigint) as churned_customers,
        cast(closing_customers as bigint) as closing_customers,
        cast(transient_customers as bigint) as transient_customers,
        {{ ratio('churned_customers', 'opening_customers') }} as churn_rate

    from mrr_by_period

)

select * from customer_churn
