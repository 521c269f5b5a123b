-- One row per customer of the table of customers. Who is in events alone is added by the union of all sources.

{{ config(enabled = 'plan_events' in types_in_use()) }}

select
    source_name,
    customer_id,
    {{ instant('created_at') }} as created_at,
    country,
    acquisition_channel,
    email
from {{ ref('plan_events__customers') }}
