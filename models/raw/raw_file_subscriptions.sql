-- One row per row of the files of this raw table, as delivered. CSV is copied once; Parquet is read where it lies.

{{ config(
    enabled = raw_tables_are('subscriptions') in ['csv', 'parquet'],
    materialized = 'table' if raw_tables_are('subscriptions') == 'csv' else 'view'
) }}

select * from {{ read_files('subscriptions') }}
