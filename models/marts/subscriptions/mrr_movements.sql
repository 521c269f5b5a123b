-- One row per customer and business date on which the customer's MRR changed: the ledger.

with
changes as (select * from {{ ref('int_mrr_ledger') }} where mrr_change <> 0),

customers as (select * from {{ ref('int_customers') }}),

movements as (
    select
        customers.customer_id,
        changes.movement_date,
        {{ movement_type(
            'changes.opening_mrr', 'changes.closing_mrr', 'changes.first_paid_date', 'changes.movement_date'
        ) }} as movement_type,
        changes.mrr_change,
        changes.opening_mrr,
        changes.closing_mrr
    from changes
    inner join customers using (customer_key)
)

select * from movements
