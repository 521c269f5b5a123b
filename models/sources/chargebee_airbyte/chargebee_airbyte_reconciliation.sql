-- One row per source and raw table: what was read of Chargebee's tables, why some of it was set aside, and Chargebee's
-- own MRR, where all of it is in the reporting currency.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
states as (
    select
        *,
        bool_or(coalesce(is_deleted, false)) over (partition by source_name, subscription_id) as is_set_aside,
        seen_in is null and row_number() over (
            partition by source_name, subscription_id, seen_in order by seen_at desc, resource_version desc
        ) = 1 as is_row_of_now
    from {{ ref('chargebee_airbyte__states') }}
),

prices as (
    {%- for table in ['item_price', 'plan', 'addon'] %}
        select
            source_name,
            loaded_at
        from {{ ref('chargebee_airbyte__' ~ table) }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

mrr_now as (
    select
        states.source_name,
        case
            when bool_and(states.currency_code = '{{ var("reporting_currency") | upper }}')
                then sum({{ major_units('states.mrr', 'currency_exponents.exponent') }})
        end as vendor_mrr
    from states
    left join currency_exponents on states.currency_code = currency_exponents.currency
    where states.is_row_of_now and not states.is_set_aside and states.mrr > 0
    group by states.source_name
)

select
    states.source_name,
    'subscriptions' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    count(*) filter (where states.is_set_aside) as rows_deleted,
    count(*) filter (
        where not states.is_set_aside and (states.status = 'future' or states.started_at is null)
    ) as rows_never_started,
    max(states.loaded_at) as loaded_at,
    max(mrr_now.vendor_mrr) as vendor_mrr
from states
left join mrr_now on states.source_name = mrr_now.source_name
group by states.source_name
union all
select
    source_name,
    'plans' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    0 as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from prices
group by source_name
union all
select
    source_name,
    'customers' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    count(*) filter (where deleted) as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('chargebee_airbyte__customer') }}
group by source_name
union all
select
    source_name,
    'orders' as raw_table,
    count(*) as rows_read,
    0 as rows_test,
    count(*) filter (where deleted) as rows_deleted,
    0 as rows_never_started,
    max(loaded_at) as loaded_at,
    cast(null as decimal(38, 6)) as vendor_mrr
from {{ ref('chargebee_airbyte__invoice') }}
group by source_name
