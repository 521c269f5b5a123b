-- One row per customer of every billing source, those that are only referred to as well: the id of the raw tables. With
-- customer_identity: email it is, of the customers with one address, that of the earliest created.

{{ config(enabled = raw_tables_are('customers') == 'sources', materialized = 'table') }}

with
delivered as (
    select *
    from {{ from_all_sources('customers', [
        'source_name', 'customer_id', 'created_at', 'country', 'acquisition_channel', 'email'
    ]) }} as delivered
    where customer_id is not null
),

facts as (
    select
        source_name,
        customer_id,
        started_at as fact_at
    from {{ from_all_sources('subscriptions', ['source_name', 'customer_id', 'started_at']) }} as subscriptions
    where customer_id is not null
    union all
    select
        source_name,
        customer_id,
        ordered_at as fact_at
    from {{ from_all_sources('orders', ['source_name', 'customer_id', 'ordered_at']) }} as orders
    where customer_id is not null
),

first_facts as (
    select
        source_name,
        customer_id,
        min(cast(fact_at as timestamp)) as first_fact_at
    from facts
    group by source_name, customer_id
),

customers as (
    select
        source_name,
        customer_id as id_in_source,
        source_name || ':' || customer_id as own_id,
        coalesce(cast(delivered.created_at as timestamp), first_facts.first_fact_at) as created_at,
        delivered.country,
        delivered.acquisition_channel,
        {{ plain_text('delivered.email') }} as address,
        delivered.email
    from delivered
    full join first_facts using (source_name, customer_id)
)

select
    source_name,
    id_in_source,
    own_id,
    {% if var('customer_identity') == 'email' -%}
        case
            when address <> '' then first_value(own_id) over (partition by address order by created_at, own_id)
            else own_id
        end as customer_id,
    {%- else -%}
        own_id as customer_id,
    {%- endif %}
    created_at,
    country,
    acquisition_channel,
    email
from customers
