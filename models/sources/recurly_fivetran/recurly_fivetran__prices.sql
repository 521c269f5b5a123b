-- One row per plan and currency that it has a price in, or a subscription to it: the latest price. In the reporting
-- currency, and in its only one, it is called as the plan, in others with the currency behind it.

{{ config(enabled = 'recurly_fivetran' in types_in_use(), materialized = 'table') }}

with
plans as (
    select *
    from {{ ref('recurly_fivetran__plan_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

priced as (
    select
        source_name,
        plan_id,
        upper(currency) as currency,
        unit_amount
    from {{ ref('recurly_fivetran__plan_currency_history') }}
    qualify row_number() over (
            partition by source_name, plan_id, upper(currency) order by plan_updated_at desc, loaded_at desc
        ) = 1
),

subscribed as (
    select distinct
        source_name,
        plan_id,
        upper(currency) as currency
    from {{ ref('recurly_fivetran__subscription_history') }}
),

prices as (
    select
        source_name,
        plan_id,
        currency,
        priced.unit_amount,
        count(*) over (partition by source_name, plan_id) = 1 as is_only_one
    from priced
    full join subscribed using (source_name, plan_id, currency)
    where currency is not null
)

select
    plans.source_name,
    plans.id,
    prices.currency,
    case
        when prices.currency = {{ reporting_currency() }} or prices.is_only_one then plans.code
        else plans.code || '/' || prices.currency
    end as plan_id,
    coalesce(plans.name, plans.code) as plan_name,
    plans.code as product,
    coalesce(prices.unit_amount, 0) as price,
    case plans.interval_unit
        when 'days' then 'day'
        when 'months' then 'month'
        else plans.interval_unit
    end as billing_interval,
    cast(plans.interval_length as integer) as billing_interval_count
from plans
inner join prices on plans.source_name = prices.source_name and plans.id = prices.plan_id
