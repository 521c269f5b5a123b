-- One row per item of a subscription and stretch of unchanged terms: which plan, how many, and what one of it costs.
-- Terms are those that invoices bill; of an item that was never billed, those it has now.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
items as (select * from {{ ref('stripe_fivetran__items') }}),

-- Most items never change: the others alone are looked at line by line.
changed_items as (select * from {{ ref('stripe_fivetran__items') }} where has_changed),

bills as (select * from {{ ref('stripe_fivetran__bills') }}),

prices as (select * from {{ ref('stripe_fivetran__prices') }}),

changing_lines as (
    select
        changed_items.item_key,
        item_lines.*
    from {{ ref('stripe_fivetran__lines') }} as item_lines
    inner join changed_items using (source_name, item_id)
    inner join bills using (source_name, invoice_id)
    where item_lines.begins_terms
),

changes as (
    select *
    from changing_lines
    window item_so_far as (partition by item_key order by period_start, amount, line_id)
    qualify price_id is distinct from lag(price_id) over item_so_far
        or quantity is distinct from lag(quantity) over item_so_far
        or unit_amount is distinct from lag(unit_amount) over item_so_far
),

-- A line that does not say what one costs has the price of the item's other lines.
billed as (
    select
        *,
        coalesce(
            last_value(unit_amount ignore nulls) over price_so_far,
            first_value(unit_amount ignore nulls) over price_from_here
        ) as known_unit_amount,
        lead(period_start) over item_so_far as next_period_start
    from changes
    window
        item_so_far as (partition by item_key order by period_start, amount, line_id),
        price_so_far as (partition by item_key, price_id order by period_start, amount, line_id),
        price_from_here as (
            partition by item_key, price_id order by period_start, amount, line_id
            rows between current row and unbounded following
        )
),

terms as (
    select
        source_name,
        item_key,
        price_id,
        quantity,
        known_unit_amount as unit_amount,
        period_start as started_at,
        next_period_start
    from billed
    where period_start is distinct from next_period_start
    union all
    select
        source_name,
        item_key,
        price_id,
        quantity,
        unit_amount,
        known_from as started_at,
        null as next_period_start
    from items
    where not has_changed
),

priced as (
    select
        terms.*,
        prices.price as own_price,
        {{ major_units('terms.unit_amount', 'prices.exponent') }} as billed_price,
        {{ units_sold('terms.quantity', 'prices') }} as units
    from terms
    left join prices on terms.source_name = prices.source_name and terms.price_id = prices.price_id
)

-- An item that the subscription no longer has ends where what was paid in advance was given back, else with the last
-- period billed.
select
    priced.source_name,
    item_key,
    case
        when priced.billed_price <> priced.own_price
            then priced.price_id || '@' || {{ plain_number('priced.billed_price') }}
        else priced.price_id
    end as plan_id,
    priced.price_id,
    coalesce(priced.billed_price, priced.own_price) as price,
    priced.units as quantity,
    priced.started_at,
    case
        when priced.next_period_start is not null then priced.next_period_start
        when items.is_current then {{ open_end() }}
        when items.credited_at > priced.started_at then items.credited_at
        else items.billed_until
    end as ended_at
from priced
inner join items using (item_key)
