-- One row per plan and currency: the latest price. In the reporting currency it is called as the plan, in another one
-- with the currency behind it.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
plans as (
    select *
    from {{ ref('recurly_fivetran__plan_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

prices as (
    select *
    from {{ ref('recurly_fivetran__plan_currency_history') }}
    qualify row_number() over (
            partition by source_name, plan_id, upper(currency) order by plan_updated_at desc, loaded_at desc
        ) = 1
)

select
    plans.source_name,
    plans.id,
    upper(prices.currency) as currency,
    case
        when upper(prices.currency) = '{{ var("reporting_currency") | upper }}' then plans.code
        else plans.code || '/' || upper(prices.currency)
    end as plan_id,
    coalesce(plans.name, plans.code) as plan_name,
    plans.code as product,
    coalesce(prices.unit_amount, 0) as price,
    case plans.interval_unit when 'days' then 'day' when 'months' then 'month' else plans.interval_unit end
        as billing_interval,
    cast(plans.interval_length as integer) as billing_interval_count
from plans
inner join prices on plans.source_name = prices.source_name and plans.id = prices.plan_id
