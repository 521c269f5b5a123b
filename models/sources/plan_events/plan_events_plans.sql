-- One row per plan. A plan without an interval is billed by the month.

{{ config(enabled = 'plan_events' in types_in_use()) }}

select
    source_name,
    plan_id,
    coalesce(plan_name, plan_id) as plan_name,
    product,
    tier,
    price,
    coalesce(currency, {{ reporting_currency() }}) as currency,
    coalesce(billing_interval, 'month') as billing_interval,
    coalesce(billing_interval_count, 1) as billing_interval_count
from {{ ref('plan_events__plans') }}
