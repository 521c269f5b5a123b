-- Periods of different grains that end on one day close with the same customers and MRR. At the last known day of an
-- incomplete period that is the state at as_of_date, which the customers mart tells too.

with

last_known_days as (

    select
        customer_churn.period_grain,
        customer_churn.segment,
        customer_churn.segment_value,
        least(customer_churn.period_end_date, {{ dbt.dateadd('day', -1, 'clock.as_of_date') }}) as last_known_day,
        customer_churn.closing_customers,
        mrr_churn.closing_mrr

    from {{ ref('customer_churn_by_period') }} as customer_churn
    inner join {{ ref('mrr_churn_by_period') }} as mrr_churn
        on
            customer_churn.period_grain = mrr_churn.period_grain
            and customer_churn.period_start_date = mrr_churn.period_start_date
            and customer_churn.segment = mrr_churn.segment
            and customer_churn.segment_value = mrr_churn.segment_value
    cross join {{ ref('int_as_of_date') }} as clock

),

closings as (

    select
        period_grain,
        segment,
        segment_value,
        last_known_day,
        closing_customers,
        closing_mrr

    from last_known_days

    union all

    select
        'customers mart' as period_grain,
        'all' as segment,
        'all' as segment_value,
        max(last_known_days.last_known_day) as last_known_day,
        max(customers.paying_customers) as closing_customers,
        max(customers.current_mrr) as closing_mrr

    from last_known_days
    cross join (
        select
            count(*) filter (where is_paying) as paying_customers,
            sum(current_mrr) as current_mrr
        from {{ ref('customers') }}
    ) as customers
    having max(last_known_days.last_known_day) is not null

)

select
    segment,
    segment_value,
    last_known_day,
    min(closing_customers) as least_customers,
    max(closing_customers) as most_customers,
    min(closing_mrr) as least_mrr,
    max(closing_mrr) as most_mrr

from closings
group by segment, segment_value, last_known_day
having min(closing_customers) <> max(closing_customers) or min(closing_mrr) <> max(closing_mrr)
