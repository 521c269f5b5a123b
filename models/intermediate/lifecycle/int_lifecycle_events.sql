-- One row per customer and date on which they sign up, their first stretch starts, their MRR changes or a run of orders
-- begins: what their lifecycle stage depends on, as it is at the closing of that day.

with
as_of_date as (select * from {{ ref('int_as_of_date') }}),

customers as (select * from {{ ref('int_customers') }}),

stretches as (select * from {{ ref('int_mrr_stretches') }}),

ledger as (select * from {{ ref('int_mrr_ledger') }}),

order_runs as (select * from {{ ref('int_order_runs') }}),

happenings as (
    select
        customer_key,
        {{ business_date('created_at') }} as event_date,
        cast(null as date) as fact_date,
        cast(0 as decimal(38, 6)) as mrr_change,
        cast(null as date) as last_order_date
    from customers
    union all
    -- It may be a trial, which is no MRR yet, and older than created_at, which is descriptive.
    select
        customer_key,
        min(start_date) as event_date,
        cast(null as date) as fact_date,
        cast(0 as decimal(38, 6)) as mrr_change,
        cast(null as date) as last_order_date
    from stretches
    group by customer_key
    union all
    select
        customer_key,
        movement_date as event_date,
        movement_date as fact_date,
        mrr_change,
        cast(null as date) as last_order_date
    from ledger
    union all
    select
        customer_key,
        first_order_date as event_date,
        first_order_date as fact_date,
        cast(0 as decimal(38, 6)) as mrr_change,
        last_order_date
    from order_runs
),

events as (
    select
        happenings.customer_key,
        happenings.event_date,
        min(happenings.fact_date) as fact_date,
        sum(happenings.mrr_change) as mrr_change,
        max(happenings.last_order_date) as last_order_date
    from happenings
    inner join as_of_date on happenings.event_date < as_of_date.as_of_date
    group by happenings.customer_key, happenings.event_date
)

select * from events
