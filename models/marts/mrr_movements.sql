-- One row per customer and business date on which the customer's MRR changed: the ledger.

with
changes as (select * from {{ ref('int_mrr_ledger') }} where mrr_change <> 0),

movements as (
    select
        customer_id,
        movement_date,
        {{ movement_type('opening_mrr', 'closing_mrr', 'first_paid_date', 'movement_date') }} as movement_type,
        mrr_change,
        opening_mrr,
        closing_mrr
    from changes
)

select * from movements
