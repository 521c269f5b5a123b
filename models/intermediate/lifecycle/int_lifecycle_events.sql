-- One row per customer and date on which they sign up, their first stretch starts, they start to pay, their MRR
-- decreases or a run of orders begins: how long that alone would keep them active, and when they would decline.

with
as_of_date as (select * from {{ ref('int_as_of_date') }}),

customers as (select * from {{ ref('int_customers') }}),

stretches as (select * from {{ ref('int_mrr_stretches') }}),

order_runs as (select * from {{ ref('int_order_runs') }}),

-- Who starts to pay does so until the MRR is next zero. Who comes and goes within a day does not pay at its closing.
paid_boundaries as (
    select
        customer_key,
        movement_date,
        opening_mrr,
        closing_mrr,
        lead(movement_date) over (partition by customer_key order by movement_date) as next_boundary_date
    from {{ ref('int_mrr_ledger') }}
    where opening_mrr = 0 or closing_mrr = 0
),

mrr_changes as (
    select
        customer_key,
        movement_date,
        mrr_change,
        closing_mrr,
        lead(movement_date) over (partition by customer_key order by movement_date) as next_change_date
    from {{ ref('int_mrr_ledger') }}
    where mrr_change <> 0
),

paid_spans as (
    select
        paid_boundaries.customer_key,
        paid_boundaries.movement_date as start_date,
        case
            when paid_boundaries.closing_mrr = 0 then paid_boundaries.movement_date
            else coalesce(paid_boundaries.next_boundary_date, as_of_date.as_of_date)
        end as end_date
    from paid_boundaries
    cross join as_of_date
    where paid_boundaries.opening_mrr = 0
),

happenings as (
    select
        customer_key,
        {{ business_date('created_at') }} as event_date,
        cast(null as date) as lapsed_from_date,
        cast(null as date) as declining_from_date,
        cast(null as date) as declining_until_date
    from customers
    union all
    -- It may be a trial, which is no MRR yet, and older than created_at, which is descriptive.
    select
        customer_key,
        min(start_date) as event_date,
        cast(null as date) as lapsed_from_date,
        cast(null as date) as declining_from_date,
        cast(null as date) as declining_until_date
    from stretches
    group by customer_key
    union all
    select
        customer_key,
        start_date as event_date,
        end_date as lapsed_from_date,
        end_date as declining_from_date,
        cast(null as date) as declining_until_date
    from paid_spans
    union all
    -- A later increase makes up for a decrease; a later decrease has an event of its own.
    select
        customer_key,
        movement_date as event_date,
        cast(null as date) as lapsed_from_date,
        cast(null as date) as declining_from_date,
        least(next_change_date, cast({{ dbt.dateadd('day', var('declining_days'), 'movement_date') }} as date))
            as declining_until_date
    from mrr_changes
    where mrr_change < 0 and closing_mrr > 0
    union all
    select
        customer_key,
        first_order_date as event_date,
        cast({{ dbt.dateadd('day', var('inactivity_days'), 'last_order_date') }} as date) as lapsed_from_date,
        cast({{ dbt.dateadd('day', var('declining_days'), 'last_order_date') }} as date) as declining_from_date,
        cast(null as date) as declining_until_date
    from order_runs
),

events as (
    select
        happenings.customer_key,
        happenings.event_date,
        max(happenings.lapsed_from_date) as lapsed_from_date,
        max(happenings.declining_from_date) as declining_from_date,
        max(happenings.declining_until_date) as declining_until_date
    from happenings
    inner join as_of_date on happenings.event_date < as_of_date.as_of_date
    group by happenings.customer_key, happenings.event_date
)

select * from events
