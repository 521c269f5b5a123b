-- One row per plan of every billing source, its id behind the name of the source.

{{ config(enabled = raw_tables_are('plans') == 'sources', materialized = 'table') }}

with
plans as (
    select *
    from {{ from_all_sources('plans', [
        'source_name', 'plan_id', 'plan_name', 'product', 'tier', 'price', 'currency', 'billing_interval',
        'billing_interval_count'
    ]) }} as delivered
)

select
    source_name || ':' || plan_id as plan_id,
    plan_name,
    product,
    cast(tier as integer) as tier,
    cast(price as decimal(38, 10)) as price,
    upper(currency) as currency,
    billing_interval,
    cast(billing_interval_count as integer) as billing_interval_count,
    source_name
from plans
