-- At the end of every year, and on the last known day, each customer's balance in the ledger is the MRR of the
-- stretches live then, counted straight from the stretches.

with
days as (select * from {{ ref('int_date_periods') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

balance_dates as (
    select max(days.date_day) as date_day
    from days
    inner join as_of_date on days.date_day < as_of_date.as_of_date
    group by extract(year from days.date_day)
),

stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0),

customers as (select * from {{ ref('int_customers') }}),

movements as (select * from {{ ref('mrr_movements') }}),

live_mrr as (
    select
        customers.customer_id,
        balance_dates.date_day,
        sum(stretches.mrr) as mrr
    from balance_dates
    inner join stretches
        on
            balance_dates.date_day >= stretches.start_date
            and balance_dates.date_day < coalesce(stretches.end_date, cast('9999-12-31' as date))
    inner join customers using (customer_key)
    group by customers.customer_id, balance_dates.date_day
),

ledger_mrr as (
    select
        movements.customer_id,
        balance_dates.date_day,
        sum(movements.mrr_change) as mrr
    from balance_dates
    inner join movements on balance_dates.date_day >= movements.movement_date
    group by movements.customer_id, balance_dates.date_day
    having sum(movements.mrr_change) <> 0
)

select
    customer_id,
    date_day,
    live_mrr.mrr as mrr_of_live_stretches,
    ledger_mrr.mrr as mrr_of_ledger
from live_mrr
full join ledger_mrr using (customer_id, date_day)
where live_mrr.mrr is distinct from ledger_mrr.mrr
