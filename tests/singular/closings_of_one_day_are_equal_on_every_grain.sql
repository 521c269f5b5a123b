-- Periods of different grains whose last known day is the same close with the same customers and MRR; those that reach
-- to as_of_date close with the paying customers and the MRR of the customers mart. Not by plan: a customer stays under
-- the plan of his opening until the period is over.

with
mrr_by_period as (
    select *
    from {{ ref('int_mrr_by_period') }}
    where segment in (select segments.segment from {{ ref('int_segments') }} as segments)
),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

paying_customers as (
    select
        count(*) filter (where is_paying) as customers,
        coalesce(sum(current_mrr), 0) as mrr
    from {{ ref('customers') }}
),

closings as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        mrr_by_period.closing_customers,
        mrr_by_period.closing_mrr,
        least(
            mrr_by_period.period_end_date, cast({{ dbt.dateadd('day', -1, 'as_of_date.as_of_date') }} as date)
        ) as last_known_day
    from mrr_by_period
    cross join as_of_date
    union all
    select
        'customers mart' as period_grain,
        'all' as segment,
        'all' as segment_value,
        paying_customers.customers as closing_customers,
        paying_customers.mrr as closing_mrr,
        cast({{ dbt.dateadd('day', -1, 'as_of_date.as_of_date') }} as date) as last_known_day
    from paying_customers
    cross join as_of_date
)

select
    segment,
    segment_value,
    last_known_day,
    min(closing_customers) as fewest_customers,
    max(closing_customers) as most_customers,
    min(closing_mrr) as least_mrr,
    max(closing_mrr) as most_mrr
from closings
group by segment, segment_value, last_known_day
having min(closing_customers) <> max(closing_customers) or min(closing_mrr) <> max(closing_mrr)
