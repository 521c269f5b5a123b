-- One row per type of fact, customer and business date: cancellations asked for, taken back and carried out, downgrades
-- and upgrades, and falling back from paid to free; how many and their MRR.

with
ledger as (select * from {{ ref('int_mrr_ledger') }}),

unpaid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr = 0 and status in ('active', 'past_due')),

cancel_requests as (select * from {{ ref('int_cancel_requests') }}),

product_changes as (select * from {{ ref('int_product_changes') }}),

dated_facts as (
    select
        'cancellation_requested' as fact_type,
        customer_key,
        request_date as fact_date,
        mrr
    from cancel_requests
    union all
    select
        'cancellation_' || outcome as fact_type,
        customer_key,
        outcome_date as fact_date,
        mrr
    from cancel_requests
    where outcome <> 'pending'
    union all
    select
        change_type as fact_type,
        customer_key,
        movement_date as fact_date,
        case
            when change_type = 'upgrade' then closing_mrr - opening_mrr
            else greatest(opening_mrr - closing_mrr, 0)
        end as mrr
    from product_changes
    union all
    select
        'paid_to_free' as fact_type,
        ledger.customer_key,
        ledger.movement_date as fact_date,
        ledger.opening_mrr as mrr
    from ledger
    where
        ledger.opening_mrr > 0
        and ledger.closing_mrr = 0
        and exists (
            select 1
            from unpaid_stretches
            where
                ledger.customer_key = unpaid_stretches.customer_key
                and ledger.movement_date >= unpaid_stretches.start_date
                and ledger.movement_date < coalesce(unpaid_stretches.end_date, cast('9999-12-31' as date))
        )
),

-- A cancellation asked for before the first payment counts from that day on, as in int_churn_sums_by_period.
daily_facts as (
    select
        dated_facts.fact_type,
        dated_facts.customer_key,
        ledger.combination_id,
        greatest(dated_facts.fact_date, ledger.first_paid_date) as fact_date,
        count(*) as facts,
        cast(sum(dated_facts.mrr) as decimal(38, 6)) as mrr
    from dated_facts
    inner join ledger on dated_facts.customer_key = ledger.customer_key and ledger.previous_movement_date is null
    group by
        dated_facts.fact_type, dated_facts.customer_key, ledger.combination_id,
        greatest(dated_facts.fact_date, ledger.first_paid_date)
),

facts as (
    select
        *,
        lag(fact_date) over (partition by fact_type, customer_key order by fact_date) as previous_fact_date
    from daily_facts
)

select * from facts
