-- One row per e-mail address that has ordered: the export of customers has no date, so that who never ordered is left
-- out.

{{ config(enabled = 'shopify_csv' in types_in_use()) }}

with
orders as (
    select *
    from {{ ref('shopify_csv_orders') }}
    where customer_id is not null
    qualify row_number() over (partition by source_name, customer_id order by ordered_at, order_id) = 1
),

exported as (
    select
        source_name,
        {{ address_id('email') }} as customer_id,
        max(coalesce(default_address_country_code, country_code)) as country
    from {{ ref('shopify_csv__customers_export') }}
    group by source_name, {{ address_id('email') }}
)

select
    source_name,
    customer_id,
    orders.ordered_at as created_at,
    upper(coalesce(exported.country, orders.shipping_country)) as country,
    cast(null as varchar) as acquisition_channel,
    customer_id as email
from orders
left join exported using (source_name, customer_id)
