-- One row per customer, those deleted since as well. Where a customer came from is in the metadata under the key that
-- the option acquisition_channel of the source names.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

select
    source_name,
    id as customer_id,
    created as created_at,
    upper(coalesce(address_country, shipping_address_country)) as country,
    coalesce(
        cast(null as {{ dbt.type_string() }})
        {%- for source in billing_sources('stripe_fivetran') if source.acquisition_channel %},
        case when source_name = '{{ source.name }}' then {{ json_text('metadata', source.acquisition_channel) }} end
        {%- endfor %}
    ) as acquisition_channel,
    email
from {{ ref('stripe_fivetran__customer') }}
where coalesce(livemode, true)
