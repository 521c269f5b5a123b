-- One row per charge that is an order: with the source's option one_off_invoices those of no subscription, with the var
-- subscription_invoices_are_orders all.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

with
lines as (
    select *
    from {{ ref('recurly_fivetran__line_item_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

invoices as (
    select *
    from {{ ref('recurly_fivetran__invoice_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

-- A balance carried forward was charged before.
charges as (
    select
        lines.*,
        coalesce(invoices.state, 'paid') as invoice_state,
        lines.subtotal - coalesce(lines.discount, 0) as net_amount,
        coalesce(lines.quantity, 1) as units,
        least(coalesce(lines.refunded_quantity, 0), coalesce(lines.quantity, 1)) as refunded_units
    from lines
    left join invoices on lines.source_name = invoices.source_name and lines.invoice_id = invoices.id
    where lines.type = 'charge' and lines.state = 'invoiced' and coalesce(lines.origin, '') <> 'carryforward'
)

select
    source_name,
    id as order_id,
    account_id as customer_id,
    created_at as ordered_at,
    case
        when invoice_state not in ('paid', 'closed') then invoice_state
        when refunded_units > 0 and refunded_units = units then 'refunded'
        else 'completed'
    end as status,
    net_amount as amount,
    {{ millionths(
        'cast(net_amount * 1000000 as hugeint) * cast(refunded_units * 1000000 as hugeint)',
        'cast(units * 1000000 as hugeint)'
    ) }} as refunded_amount,
    currency
from charges
where {{ var('subscription_invoices_are_orders') }}
    or (subscription_id is null and source_name in ({{ sources_with('recurly_fivetran', 'one_off_invoices') }}))
