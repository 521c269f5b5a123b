-- One row per source and raw table: what was read. A log that does not say when it was loaded is known to its last
-- event.

{{ config(enabled = 'plan_events' in types_in_use()) }}

{{ rows_read(
    'subscriptions', ref('plan_events__plan_events'),
    loaded_at='coalesce(max(loaded_at), max(' ~ dbt.dateadd('day', 1, instant('occurred_at')) ~ '))'
) }}
union all
{{ rows_read('plans', ref('plan_events__plans')) }}
union all
{{ rows_read('customers', ref('plan_events__customers')) }}
