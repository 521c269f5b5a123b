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
            when bool_and(states.currency_code = {{ reporting_currency() }})
                then sum({{ major_units('states.mrr', 'currency_exponents.exponent') }})
        end as vendor_mrr
    from states
    left join currency_exponents on states.currency_code = currency_exponents.currency
    where states.is_row_of_now and not states.is_set_aside and states.mrr > 0
    group by states.source_name
),

subscriptions as (
    select
        states.*,
        mrr_now.vendor_mrr
    from states
    left join mrr_now on states.source_name = mrr_now.source_name
)

{{ rows_read(
    'subscriptions', 'subscriptions', deleted='is_set_aside',
    never_started="not is_set_aside and (status = 'future' or started_at is null)", vendor_mrr='max(vendor_mrr)'
) }}
union all
{{ rows_read('plans', 'prices') }}
union all
{{ rows_read('customers', ref('chargebee_airbyte__customer'), deleted='deleted') }}
union all
{{ rows_read('orders', ref('chargebee_airbyte__invoice'), deleted='deleted') }}
