-- One row per customer of the shop, those deleted since as well, in the country of the first order.

{{ config(enabled = 'shopify_fivetran' in types_in_use()) }}

with
first_orders as (
    select *
    from {{ ref('shopify_fivetran_orders') }}
    qualify row_number() over (partition by source_name, customer_id order by ordered_at, order_id) = 1
)

select
    customers.source_name,
    customers.id as customer_id,
    customers.created_at,
    upper(first_orders.country) as country,
    cast(null as varchar) as acquisition_channel,
    customers.email
from {{ ref('shopify_fivetran__customer') }} as customers
left join first_orders
    on customers.source_name = first_orders.source_name and customers.id = first_orders.customer_id
