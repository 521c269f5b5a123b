-- One row per item of a subscription and stretch of unchanged terms: which plan, how many, and what one of it costs.
-- Terms are those that invoices bill; of an item that was never billed, those it has now.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
items as (select * from {{ ref('stripe_fivetran__items') }}),

prices as (select * from {{ ref('stripe_fivetran__prices') }}),

-- Most items never change: the others alone are looked at line by line.
changed_items as (select * from items where has_changed),

changing_lines as (
    select item_lines.*
    from {{ ref('stripe_fivetran__lines') }} as item_lines
    inner join changed_items using (source_name, item_id)
    where item_lines.begins_terms
),

changes as (
    select *
    from changing_lines
    window item_so_far as (partition by source_name, item_id order by period_start, amount, line_id)
    qualify price_id is distinct from lag(price_id) over item_so_far
        or quantity is distinct from lag(quantity) over item_so_far
        or billed_price is distinct from lag(billed_price) over item_so_far
),

-- A line that does not say what one costs has the price of the item's other lines.
billed as (
    select
        *,
        coalesce(
            last_value(billed_price ignore nulls) over price_so_far,
            first_value(billed_price ignore nulls) over price_from_here
        ) as known_price,
        lead(period_start) over item_so_far as next_period_start
    from changes
    window
        item_so_far as (partition by source_name, item_id order by period_start, amount, line_id),
        price_so_far as (partition by source_name, item_id, price_id order by period_start, amount, line_id),
        price_from_here as (
            partition by source_name, item_id, price_id order by period_start, amount, line_id
            rows between current row and unbounded following
        )
),

terms as (
    select
        source_name,
        item_id,
        price_id,
        quantity,
        known_price,
        period_start as started_at,
        next_period_start
    from billed
    where period_start is distinct from next_period_start
    union all
    select
        source_name,
        item_id,
        price_id,
        quantity,
        billed_price as known_price,
        known_from as started_at,
        null as next_period_start
    from items
    where not has_changed
)

-- An item that the subscription no longer has ends where what was paid in advance was given back, else with the last
-- period billed.
select
    terms.source_name,
    items.subscription_id,
    terms.item_id,
    case
        when terms.known_price <> prices.price then terms.price_id || '@' || {{ plain_number('terms.known_price') }}
        else terms.price_id
    end as plan_id,
    terms.price_id,
    coalesce(terms.known_price, prices.price) as price,
    {{ units_sold('terms.quantity', 'prices') }} as quantity,
    terms.started_at,
    case
        when terms.next_period_start is not null then terms.next_period_start
        when items.is_current then {{ open_end() }}
        when items.credited_at > terms.started_at then items.credited_at
        else items.billed_until
    end as ended_at
from terms
inner join items on terms.source_name = items.source_name and terms.item_id = items.item_id
left join prices on terms.source_name = prices.source_name and terms.price_id = prices.price_id
