-- One row per customer, those deleted since as well. Where a customer came from is in the metadata under the key that
-- the option acquisition_channel of the source names.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

select
    source_name,
    id as customer_id,
    created as created_at,
    upper(coalesce(address_country, shipping_address_country)) as country,
    case source_name
        {%- for source in billing_sources('stripe_fivetran') if source.acquisition_channel %}
        when '{{ source.name }}' then {{ json_text('metadata', source.acquisition_channel) }}
        {%- endfor %}
        else cast(null as {{ dbt.type_string() }})
    end as acquisition_channel,
    email
from {{ ref('stripe_fivetran__customer') }}
where coalesce(livemode, true)
