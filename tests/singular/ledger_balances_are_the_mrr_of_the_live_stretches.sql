-- At every year's end, and at as_of_date, each customer's balance in the ledger is the MRR of the stretches live then,
-- counted straight from the stretches.

with

balance_dates as (

    select max(date_day) as date_day
    from {{ ref('int_date_periods') }}
    cross join {{ ref('int_as_of_date') }}
    where date_day < as_of_date
    group by extract(year from date_day)

),

live_mrr as (

    select
        stretches.customer_id,
        balance_dates.date_day,
        sum(stretches.mrr) as mrr

    from balance_dates
    inner join {{ ref('int_mrr_stretches') }} as stretches
        on
            stretches.start_date <= balance_dates.date_day
            and coalesce(stretches.end_date > balance_dates.date_day, true)
    where stretches.mrr > 0
    group by stretches.customer_id, balance_dates.date_day

),

ledger_mrr as (

    select
        movements.customer_id,
        balance_dates.date_day,
        sum(movements.mrr_change) as mrr

    from balance_dates
    inner join {{ ref('mrr_movements') }} as movements
        on movements.movement_date <= balance_dates.date_day
    group by movements.customer_id, balance_dates.date_day
    having sum(movements.mrr_change) <> 0

)

select
    coalesce(live_mrr.customer_id, ledger_mrr.customer_id) as customer_id,
    coalesce(live_mrr.date_day, ledger_mrr.date_day) as date_day,
    live_mrr.mrr as mrr_of_live_stretches,
    ledger_mrr.mrr as mrr_of_ledger

from live_mrr
full join ledger_mrr
    on
        live_mrr.customer_id = ledger_mrr.customer_id
        and live_mrr.date_day = ledger_mrr.date_day
where live_mrr.mrr is distinct from ledger_mrr.mrr
