-- One row per order of every billing source, whatever its status, ids behind the name of the source.

{{ config(enabled = raw_tables_are('orders') == 'sources', materialized = 'table') }}

with
orders as (
    select *
    from {{ from_all_sources('orders', [
        'source_name', 'order_id', 'customer_id', 'ordered_at', 'status', 'amount', 'refunded_amount', 'currency'
    ]) }} as delivered
),

customer_ids as (select * from {{ ref('source_customer_ids') }})

select
    orders.source_name || ':' || orders.order_id as order_id,
    customer_ids.customer_id,
    cast(orders.ordered_at as timestamp) as ordered_at,
    orders.status,
    cast(orders.amount as decimal(38, 10)) as amount,
    cast(orders.refunded_amount as decimal(38, 10)) as refunded_amount,
    upper(orders.currency) as currency,
    orders.source_name
from orders
left join customer_ids
    on orders.source_name = customer_ids.source_name and orders.customer_id = customer_ids.id_in_source
