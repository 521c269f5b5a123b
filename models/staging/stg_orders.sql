-- One row per order, whatever its status.

with
orders as (select * from {{ guarded('orders') }}),

typed as (
    select
        cast(order_id as {{ dbt.type_string() }}) as order_id,
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        {{ instant('ordered_at') }} as ordered_at,
        {{ plain_text('status') }} as status,
        {{ exact_number('amount', 'decimal(28, 10)') }} as amount,
        {{ exact_number('refunded_amount', 'decimal(28, 10)') }} as refunded_amount,
        upper(cast(currency as {{ dbt.type_string() }})) as currency
    from orders
)

select * from typed
