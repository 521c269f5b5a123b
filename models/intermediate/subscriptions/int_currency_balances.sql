-- One row per customer who pays in another currency than the reporting currency, such a currency, and period of a grain
-- in which the customer's ledger has a day: the change of their MRR in it, and the balance at the closing, both in that
-- currency and as booked.

with
stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0 and currency <> {{ reporting_currency() }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

deltas as (
    select
        customer_key,
        currency,
        start_date as movement_date,
        currency_mrr as currency_delta,
        mrr as mrr_delta
    from stretches
    union all
    select
        customer_key,
        currency,
        end_date as movement_date,
        -currency_mrr as currency_delta,
        -mrr as mrr_delta
    from stretches
    where end_date is not null
),

changes as (
    select
        deltas.customer_key,
        deltas.currency,
        date_periods.period_id,
        sum(deltas.currency_delta) as currency_change,
        sum(deltas.mrr_delta) as mrr_change
    from deltas
    inner join {{ ref('int_date_periods') }} as date_periods on deltas.movement_date = date_periods.date_day
    group by deltas.customer_key, deltas.currency, date_periods.period_id
),

customer_currencies as (
    select
        customer_key,
        currency
    from stretches
    group by customer_key, currency
),

-- Whatever moves customers may bring them, with all of their balances, to another plan.
balances as (
    select
        customer_periods.customer_key,
        customer_currencies.currency,
        customer_periods.period_id,
        customer_periods.combination_id,
        customer_periods.plan_key,
        customer_periods.opening_plan_key,
        customer_periods.closing_plan_key,
        coalesce(changes.currency_change, 0) as currency_change,
        coalesce(changes.mrr_change, 0) as mrr_change,
        (sum(coalesce(changes.currency_change, 0)) over history) as closing_currency_mrr,
        (sum(coalesce(changes.mrr_change, 0)) over history) as closing_mrr
    from {{ ref('int_customer_mrr_periods') }} as customer_periods
    inner join customer_currencies using (customer_key)
    inner join periods using (period_id)
    left join changes using (customer_key, currency, period_id)
    window history as (
        partition by customer_periods.customer_key, customer_currencies.currency, periods.period_grain
        order by customer_periods.period_id
    )
)

select * from balances
