-- One row per customer that is not deleted.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
customers as (
    select *
    from {{ ref('chargebee_airbyte__customer') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
)

select
    source_name,
    id as customer_id,
    created_at,
    upper({{ json_value('billing_address', 'country') }}) as country,
    cast(null as varchar) as acquisition_channel,
    email
from customers
where not coalesce(deleted, false)
