-- One row per row of the files of this raw table, as delivered; none where there is no file: it is a table that
-- need not be there. CSV is copied once; Parquet is read where it lies.

{{ config(
    enabled = raw_tables_are('exchange_rates') in ['csv', 'parquet'],
    materialized = 'table' if raw_tables_are('exchange_rates') == 'csv' else 'view'
) }}

select * from {{ read_files('exchange_rates') }}
