-- One row per plan and currency of the snapshots. Prices are not known: the stretches say their amounts.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

select distinct
    source_name,
    {{ snapshot_plan() }} as plan_id,
    coalesce(plan, 'unknown') as plan_name,
    cast(null as varchar) as product,
    cast(null as integer) as tier,
    0 as price,
    coalesce(currency, {{ reporting_currency() }}) as currency,
    'month' as billing_interval,
    1 as billing_interval_count
from {{ ref('month_snapshots__month_snapshots') }}
