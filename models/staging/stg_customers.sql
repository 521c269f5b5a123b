-- One row per customer.

with
customers as (select * from {{ guarded('customers') }}),

typed as (
    select
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        {{ instant('created_at') }} as created_at,
        cast(country as {{ dbt.type_string() }}) as country,
        cast(acquisition_channel as {{ dbt.type_string() }}) as acquisition_channel
    from customers
)

select * from typed
