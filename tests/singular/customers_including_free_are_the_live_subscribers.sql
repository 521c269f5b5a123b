-- Customers including free ones are never fewer than the paying ones, an opening is the closing before it, and the last
-- closing is everybody with a live stretch that is not paused. Segments do not add up: values without a paid start yet
-- have no rows.

with
balances as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        opening_customers,
        closing_customers,
        opening_customers_including_free,
        closing_customers_including_free,
        lag(closing_customers_including_free) over history as previous_closing,
        lead(period_start_date) over history as next_period_start_date
    from {{ ref('customer_churn_by_period') }}
    where segment in (select segments.segment from {{ ref('int_segments') }} as segments)
    window history as (partition by period_grain, segment, segment_value order by period_start_date)
),

live_subscribers as (
    select count(distinct customer_key) as customers
    from {{ ref('int_mrr_stretches') }}
    where end_date is null and status <> 'paused'
)

select balances.*
from balances
cross join live_subscribers
where
    balances.opening_customers_including_free < balances.opening_customers
    or balances.closing_customers_including_free < balances.closing_customers
    or balances.opening_customers_including_free <> balances.previous_closing
    or (
        balances.segment = 'all'
        and balances.next_period_start_date is null
        and balances.closing_customers_including_free <> live_subscribers.customers
    )
