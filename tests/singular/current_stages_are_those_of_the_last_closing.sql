-- Customers by their stage in the mart customers are those at the closing of the last day in lifecycle_by_period; only
-- prospects created at or after as_of_date are missing there.

with
current_stages as (
    select
        customers.lifecycle_stage,
        count(*) as customers
    from {{ ref('customers') }} as customers
    inner join {{ ref('int_customers') }} as customer_keys using (customer_id)
    inner join {{ ref('int_lifecycle_ledger') }} as ledger
        on
            customer_keys.customer_key = ledger.customer_key
            and ledger.next_stage_date is null
    group by customers.lifecycle_stage
),

last_closings as (
    select
        period_grain,
        lifecycle_stage,
        customers,
        row_number() over (partition by period_grain, lifecycle_stage order by period_start_date desc) as closing_rank
    from {{ ref('lifecycle_by_period') }}
    where segment = 'all'
)

select
    last_closings.*,
    current_stages.customers as current_customers
from last_closings
left join current_stages using (lifecycle_stage)
where last_closings.closing_rank = 1 and last_closings.customers <> coalesce(current_stages.customers, 0)
