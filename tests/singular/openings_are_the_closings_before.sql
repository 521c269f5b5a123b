-- What a period opens with, customers and MRR, is what the one before closed with; a first period opens with nothing.

with

openings as (

    select
        'customers' as measure,
        period_grain,
        period_start_date,
        segment,
        segment_value,
        opening_customers as opening,
        lag(closing_customers, 1, 0) over history as previous_closing

    from {{ ref('customer_churn_by_period') }}
    window history as (partition by period_grain, segment, segment_value order by period_start_date)

    union all

    select
        'MRR' as measure,
        period_grain,
        period_start_date,
        segment,
        segment_value,
        opening_mrr as opening,
        lag(closing_mrr, 1, 0) over history as previous_closing

    from {{ ref('mrr_churn_by_period') }}
    window history as (partition by period_grain, segment, segment_value order by period_start_date)

)

select *
from openings
where opening <> previous_closing
