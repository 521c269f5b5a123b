-- One row per subscription and stretch of unchanged terms of every billing source, ids behind the name of the source.

{{ config(enabled = raw_tables_are('subscriptions') == 'sources', materialized = 'table') }}

with
subscriptions as (
    select *
    from {{ from_all_sources('subscriptions', [
        'source_name', 'subscription_id', 'customer_id', 'plan_id', 'status', 'quantity', 'discount_percent',
        'started_at', 'ended_at', 'cancel_requested_at', 'end_reason', 'amount'
    ]) }} as delivered
),

customer_ids as (select * from {{ ref('source_customer_ids') }})

select
    subscriptions.source_name || ':' || subscriptions.subscription_id as subscription_id,
    customer_ids.customer_id,
    subscriptions.source_name || ':' || subscriptions.plan_id as plan_id,
    subscriptions.status,
    cast(subscriptions.quantity as bigint) as quantity,
    cast(subscriptions.discount_percent as decimal(13, 10)) as discount_percent,
    cast(subscriptions.started_at as timestamp) as started_at,
    cast(subscriptions.ended_at as timestamp) as ended_at,
    cast(subscriptions.cancel_requested_at as timestamp) as cancel_requested_at,
    subscriptions.end_reason,
    cast(subscriptions.amount as decimal(38, 10)) as amount,
    subscriptions.source_name
from subscriptions
left join customer_ids
    on subscriptions.source_name = customer_ids.source_name and subscriptions.customer_id = customer_ids.id_in_source
