-- One row per customer and run of months with the same MRR, plan and currency. The months of a source go to its newest
-- one: who is not in that has left, who is in it goes on.

{{ config(enabled = 'month_snapshots' in types_in_use(), materialized = 'table') }}

with
snapshots as (
    select
        source_name,
        customer_id,
        {{ snapshot_plan() }} as plan_id,
        {{ snapshot_month() }} as month_start_date,
        sum(mrr) as mrr
    from {{ ref('month_snapshots__month_snapshots') }}
    group by source_name, customer_id, plan_id, month_start_date
    having sum(mrr) > 0
),

newest_months as (
    select
        source_name,
        max({{ snapshot_month() }}) as month_start_date
    from {{ ref('month_snapshots__month_snapshots') }}
    group by source_name
),

-- Months of one run have one number: that of the month less the rank among months of the same terms.
numbered_snapshots as (
    select
        *,
        {{ dbt.datediff("cast('1970-01-01' as date)", 'month_start_date', 'month') }}
        - row_number() over terms as run_number
    from snapshots
    window terms as (partition by source_name, customer_id, plan_id, mrr order by month_start_date)
),

runs as (
    select
        source_name,
        customer_id,
        plan_id,
        mrr,
        min(month_start_date) as first_month,
        max(month_start_date) as last_month
    from numbered_snapshots
    group by source_name, customer_id, plan_id, mrr, run_number
)

select
    source_name,
    runs.customer_id || '/' || runs.plan_id as subscription_id,
    runs.customer_id,
    runs.plan_id,
    'active' as status,
    1 as quantity,
    0 as discount_percent,
    {{ first_instant('cast(runs.first_month as timestamp)') }} as started_at,
    case
        when runs.last_month < newest_months.month_start_date
            then {{ first_instant('cast(' ~ dbt.dateadd('month', 1, 'runs.last_month') ~ ' as timestamp)') }}
    end as ended_at,
    cast(null as timestamp) as cancel_requested_at,
    cast(null as varchar) as end_reason,
    runs.mrr as amount
from runs
inner join newest_months using (source_name)
