-- One row per state of a subscription that Chargebee tells: an event with the subscription in it, or a row of
-- `subscription`, the state at the sync. Plan and add-ons of the first catalog are items here, too.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
subscriptions as (select * from {{ ref('chargebee_airbyte__subscription') }}),

events as (select * from {{ ref('chargebee_airbyte__event') }}),

delivered as (
    select
        source_name,
        loaded_at,
        id as seen_in,
        occurred_at as seen_at,
        {{ json_value('content', 'subscription', 'json') }} as state
    from events
    union all
    select
        source_name,
        loaded_at,
        null as seen_in,
        coalesce(updated_at, loaded_at, created_at) as seen_at,
        to_json(subscriptions) as state
    from subscriptions
)

select
    source_name,
    loaded_at,
    seen_in,
    seen_at,
    {{ json_value('state', 'id') }} as subscription_id,
    {{ json_value('state', 'customer_id') }} as customer_id,
    {{ json_value('state', 'status') }} as status,
    {{ json_value('state', 'deleted', 'boolean') }} as is_deleted,
    {{ json_value('state', 'resource_version', 'bigint') }} as resource_version,
    {{ json_value('state', 'started_at', 'timestamp') }} as started_at,
    {{ json_value('state', 'activated_at', 'timestamp') }} as activated_at,
    {{ json_value('state', 'trial_start', 'timestamp') }} as trial_start,
    {{ json_value('state', 'trial_end', 'timestamp') }} as trial_end,
    {{ json_value('state', 'pause_date', 'timestamp') }} as pause_date,
    {{ json_value('state', 'current_term_end', 'timestamp') }} as current_term_end,
    case
        when {{ json_value('state', 'due_invoices_count', 'decimal(38, 10)') }} > 0
            then coalesce({{ json_value('state', 'due_since', 'timestamp') }}, seen_at)
    end as due_since,
    {{ json_value('state', 'cancelled_at', 'timestamp') }} as cancelled_at,
    {{ json_value('state', 'cancel_schedule_created_at', 'timestamp') }} as cancel_schedule_created_at,
    {{ json_value('state', 'cancel_reason') }} as cancel_reason,
    {{ json_value('state', 'cancel_reason_code') }} as cancel_reason_code,
    upper({{ json_value('state', 'currency_code') }}) as currency_code,
    {{ json_value('state', 'billing_period', 'decimal(38, 10)') }} as billing_period,
    {{ json_value('state', 'billing_period_unit') }} as billing_period_unit,
    {{ json_value('state', 'mrr', 'decimal(38, 10)') }} as mrr,
    coalesce(
        {{ json_value('state', 'subscription_items', 'json') }},
        case
            when {{ json_value('state', 'plan_id') }} is not null then to_json(list_prepend(
                    json_object(
                        'item_price_id', state -> 'plan_id', 'item_type', 'plan', 'quantity', state -> 'plan_quantity',
                        'free_quantity', state -> 'plan_free_quantity', 'unit_price', state -> 'plan_unit_price',
                        'amount', state -> 'plan_amount'
                    ),
                    cast(state -> 'addons' as json[])
                ))
        end
    ) as items,
    {{ json_value('state', 'coupons', 'json') }} as coupons,
    {{ json_value('state', 'discounts', 'json') }} as discounts
from delivered
where {{ json_value('state', 'id') }} is not null
