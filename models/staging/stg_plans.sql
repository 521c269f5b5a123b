-- One row per plan.

with
plans as (select * from {{ guarded('plans') }}),

typed as (
    select
        cast(plan_id as {{ dbt.type_string() }}) as plan_id,
        cast(plan_name as {{ dbt.type_string() }}) as plan_name,
        cast(product as {{ dbt.type_string() }}) as product,
        {{ whole_number('tier', 'integer') }} as tier,
        {{ exact_number('price', 'decimal(28, 10)') }} as price,
        upper(cast(currency as {{ dbt.type_string() }})) as currency,
        cast(billing_interval as {{ dbt.type_string() }}) as billing_interval,
        {{ whole_number('billing_interval_count', 'integer') }} as billing_interval_count
    from plans
)

select * from typed
