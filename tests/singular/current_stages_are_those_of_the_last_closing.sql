-- Customers by their stage in the mart customers are those at the closing of the last day in lifecycle_by_period; only
-- prospects created at or after as_of_date are missing there.

with
current_stages as (
    select
        customers.lifecycle_stage,
        count(*) as customers
    from {{ ref('customers') }} as customers
    inner join {{ ref('int_lifecycle_ledger') }} as ledger
        on
            customers.customer_id = ledger.customer_id
            and ledger.next_stage_date is null
    group by customers.lifecycle_stage
),

last_closings as (
    select
        period_grain,
        lifecycle_stage,
        customers,
        row_number() over (partition by period_grain, lifecycle_stage order by period_start_date desc) as place
    from {{ ref('lifecycle_by_period') }}
    where segment = 'all'
)

select
    last_closings.*,
    current_stages.customers as current_customers
from last_closings
left join current_stages using (lifecycle_stage)
where last_closings.place = 1 and last_closings.customers <> coalesce(current_stages.customers, 0)
