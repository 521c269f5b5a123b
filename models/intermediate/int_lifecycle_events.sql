-- One row per customer and date on which he is created, his MRR changes, a run of orders begins, or his last order is
-- inactivity_days old: what his lifecycle stage depends on, as it is at the closing of that day.

with

as_of_date as (select * from {{ ref('int_as_of_date') }}),

customers as (select * from {{ ref('stg_customers') }}),

ledger as (select * from {{ ref('int_mrr_ledger') }}),

order_runs as (select * from {{ ref('int_order_runs') }}),

first_stretches as (

    select
        customer_id,
        min(start_date) as first_start_date

    from {{ ref('int_mrr_stretches') }}
    group by customer_id

),

first_orders as (

    select
        customer_id,
        min(first_order_date) as first_order_date

    from order_runs
    group by customer_id

),

happenings as (

    -- Facts may be older than created_at, which is descriptive.
    select
        customers.customer_id,
        least(
            {{ business_date('customers.created_at') }},
            coalesce(first_stretches.first_start_date, cast('9999-12-31' as date)),
            coalesce(first_orders.first_order_date, cast('9999-12-31' as date))
        ) as event_date,
        cast(null as date) as fact_date,
        cast(0 as decimal(18, 6)) as mrr_change,
        cast(null as date) as last_order_date

    from customers
    left join first_stretches
        on customers.customer_id = first_stretches.customer_id
    left join first_orders
        on customers.customer_id = first_orders.customer_id

    union all

    select
        customer_id,
        movement_date as event_date,
        movement_date as fact_date,
        mrr_change,
        cast(null as date) as last_order_date

    from ledger

    union all

    select
        customer_id,
        first_order_date as event_date,
        first_order_date as fact_date,
        cast(0 as decimal(18, 6)) as mrr_change,
        last_order_date

    from order_runs

    union all

    select
        customer_id,
        cast({{ dbt.dateadd('day', var('inactivity_days'), 'last_order_date') }} as date) as event_date,
        cast(null as date) as fact_date,
        cast(0 as decimal(18, 6)) as mrr_change,
        cast(null as date) as last_order_date

    from order_runs

),

events as (

    select
        happenings.customer_id,
        happenings.event_date,
        min(happenings.fact_date) as fact_date,
        sum(happenings.mrr_change) as mrr_change,
        max(happenings.last_order_date) as last_order_date

    from happenings
    inner join as_of_date
        on happenings.event_date < as_of_date.as_of_date
    group by happenings.customer_id, happenings.event_date

)

select * from events
