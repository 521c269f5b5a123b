-- One row per source and raw table: what was read. Snapshots are known to the end of their newest month.

{{ config(enabled = 'month_snapshots' in types_in_use()) }}

{{ rows_read(
    'subscriptions', ref('month_snapshots__month_snapshots'), never_started='coalesce(mrr, 0) <= 0',
    loaded_at=first_instant('cast(' ~ dbt.dateadd('month', 1, 'max(' ~ snapshot_month() ~ ')') ~ ' as timestamp)')
) }}
union all
{{ rows_read('customers', ref('month_snapshots__customers')) }}
