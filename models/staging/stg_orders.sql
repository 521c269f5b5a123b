-- One row per order, whatever its status.

with
orders as (select * from {{ guarded('orders') }}),

typed as (
    select
        cast(order_id as {{ dbt.type_string() }}) as order_id,
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        {{ instant('ordered_at') }} as ordered_at,
        cast(status as {{ dbt.type_string() }}) as status,
        cast(amount as decimal(28, 10)) as amount,
        cast(refunded_amount as decimal(28, 10)) as refunded_amount,
        cast(currency as {{ dbt.type_string() }}) as currency
    from orders
)

select * from typed
