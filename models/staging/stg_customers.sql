-- One row per customer, with the attributes that the var segments names.

{% set columns = columns_of_segments() %}

with
customers as (select * from {{ guarded('customers') }}),

typed as (
    select
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        {{ instant('created_at') }} as created_at,
        cast(country as {{ dbt.type_string() }}) as country,
        cast(acquisition_channel as {{ dbt.type_string() }}) as acquisition_channel
        {%- for name in segment_attributes()
            if name | lower not in ['customer_id', 'created_at', 'country', 'acquisition_channel'] -%}
            ,
            cast({{ adapter.quote(columns.get(name | lower, name)) }} as {{ dbt.type_string() }})
                as {{ adapter.quote(name | lower) }}
        {%- endfor %}
    from customers
)

select * from typed
