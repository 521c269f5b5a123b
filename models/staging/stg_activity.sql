-- One row per customer and day of use. No row where the raw table is missing.

with
activity as (select * from {{ guarded('activity') }}),

typed as (
    select
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        cast(activity_date as date) as activity_date,
        {{ whole_number('events', 'bigint') }} as events
    from activity
)

select * from typed
