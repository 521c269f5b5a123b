-- At the closing of every period, the lifecycle stages add up to all customers created by then.

with

customers_created as (

    select
        stage_date as created_date,
        count(*) as customers

    from {{ ref('int_lifecycle_ledger') }}
    where stage_before is null
    group by stage_date

),

closings as (

    select
        period_grain,
        period_end_date,
        sum(customers) as customers

    from {{ ref('lifecycle_by_period') }}
    where segment = 'all'
    group by period_grain, period_end_date

)

select
    closings.period_grain,
    closings.period_end_date,
    closings.customers,
    sum(customers_created.customers) as customers_created

from closings
left join customers_created
    on closings.period_end_date >= customers_created.created_date
group by closings.period_grain, closings.period_end_date, closings.customers
having closings.customers is distinct from sum(customers_created.customers)
