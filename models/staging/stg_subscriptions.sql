-- One row per subscription and stretch of unchanged terms.

with
subscriptions as (select * from {{ guarded('subscriptions') }}),

typed as (
    select
        cast(subscription_id as {{ dbt.type_string() }}) as subscription_id,
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        cast(plan_id as {{ dbt.type_string() }}) as plan_id,
        cast(status as {{ dbt.type_string() }}) as status,
        {{ whole_number('quantity', 'bigint') }} as quantity,
        {{ exact_number('discount_percent', 'decimal(13, 10)') }} as discount_percent,
        {{ exact_number('amount', 'decimal(28, 10)') }} as amount,
        {{ instant('started_at') }} as started_at,
        {{ end_instant('ended_at') }} as ended_at,
        {{ instant('cancel_requested_at') }} as cancel_requested_at,
        cast(end_reason as {{ dbt.type_string() }}) as end_reason
    from subscriptions
)

select * from typed
