-- On every grain of cohorts, their sizes add up to the customers who ever paid, and to those who ever ordered.

with
cohort_grains as (
    select period_grain
    from {{ ref('period_grains') }}
    where period_grain <> 'day'
),

cohort_sizes as (
    select
        basis,
        period_grain,
        sum(cohort_size) as customers
    from {{ ref('retention_by_cohort') }}
    where segment = 'all' and periods_since = 0
    group by basis, period_grain
),

customers_ever as (
    select
        'subscription' as basis,
        count(first_paid_at) as customers
    from {{ ref('customers') }}
    union all
    select
        'order' as basis,
        count(first_order_at) as customers
    from {{ ref('customers') }}
)

select
    customers_ever.basis,
    cohort_grains.period_grain,
    cohort_sizes.customers as customers_of_cohorts,
    customers_ever.customers as customers_ever
from customers_ever
cross join cohort_grains
left join cohort_sizes using (basis, period_grain)
where customers_ever.customers <> coalesce(cohort_sizes.customers, 0)
