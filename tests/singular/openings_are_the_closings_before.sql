-- What a period opens with, customers and MRR, is what the period before closed with; a first period opens with nothing.

with

balances as (

    select
        customer_churn.*,
        mrr_churn.opening_mrr,
        lag(customer_churn.closing_customers, 1, 0) over history as previous_closing_customers,
        lag(mrr_churn.closing_mrr, 1, 0) over history as previous_closing_mrr

    from {{ ref('customer_churn_by_period') }} as customer_churn
    inner join {{ ref('mrr_churn_by_period') }} as mrr_churn
        on
            customer_churn.period_grain = mrr_churn.period_grain
            and customer_churn.period_start_date = mrr_churn.period_start_date
            and customer_churn.segment = mrr_churn.segment
            and customer_churn.segment_value = mrr_churn.segment_value
    window history as (
        partition by customer_churn.period_grain, customer_churn.segment, customer_churn.segment_value
        order by customer_churn.period_start_date
    )

)

select *
from balances
where opening_customers <> previous_closing_customers or opening_mrr <> previous_closing_mrr
