-- One row per row of the raw table subscriptions, as it was delivered. CSV is copied once; all else is read where it lies.
-- Absent in the demo, whose seed of the same name stands here.

{{ config(
    enabled = raw_tables_are() != 'demo',
    materialized = 'table' if raw_tables_are() == 'csv' else 'view'
) }}

select * from {{ raw('subscriptions') }}
