-- One row per line of an invoice for an item of a subscription, with what one costs, in minor units, where the line
-- says it.

{{ config(enabled = 'stripe_fivetran' in types_in_use()) }}

with
prices as (select * from {{ ref('stripe_fivetran__prices') }}),

lines as (
    select
        *,
        subscription_item_id as item_id,
        coalesce(price_id, plan_id) as billed_price_id,
        coalesce(proration, false) as is_proration
    from {{ ref('stripe_fivetran__invoice_line_item') }}
    where coalesce(livemode, true) and subscription_item_id is not null
)

select
    lines.source_name,
    lines.invoice_id,
    lines.subscription_id,
    lines.item_id,
    lines.id as line_id,
    lines.billed_price_id as price_id,
    lines.quantity,
    lines.amount,
    lines.period_start,
    lines.period_end,
    -- A proration takes the old terms back and bills the new ones.
    not lines.is_proration or lines.amount >= 0 as begins_terms,
    lines.is_proration and lines.amount < 0 as is_credit,
    -- Tax may be part of a price; and only a line for a whole interval tells what one costs.
    case
        when not lines.is_proration and lines.amount > 0 and not prices.is_tiered and not prices.is_metered
            and prices.package_size is null
            and lines.period_end >= {{ after_interval('lines.period_start', 'prices') }}
            then lines.unit_amount_excluding_tax
    end as unit_amount
from lines
left join prices on lines.source_name = prices.source_name and lines.billed_price_id = prices.price_id
