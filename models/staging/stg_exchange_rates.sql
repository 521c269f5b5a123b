-- One row per currency and date on which a rate begins to hold. No row where the raw table is missing.

with
exchange_rates as (select * from {{ guarded('exchange_rates') }}),

typed as (
    select
        upper(cast(currency as {{ dbt.type_string() }})) as currency,
        cast(date as date) as rate_date,
        {{ exact_number('rate', 'decimal(38, 15)') }} as rate
    from exchange_rates
)

select * from typed
