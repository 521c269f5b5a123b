-- One row per item of a subscription and stretch of unchanged terms: which plan, how many, and what one of it costs.
-- Terms are those that invoices bill; of an item that was never billed, those it has now.

{{ config(enabled = 'stripe_fivetran' in types_in_use(), materialized = 'table') }}

with
items as (select * from {{ ref('stripe_fivetran__items') }}),

prices as (select * from {{ ref('stripe_fivetran__prices') }}),

billed_terms as (
    select
        *,
        first_from <= max(last_from) over (
            partition by source_name, item_id
            order by first_from, last_from rows between unbounded preceding and 1 preceding
        ) as is_interleaved
    from {{ ref('stripe_fivetran__billed') }}
    where first_from is not null
),

-- Most items have one price and quantity after another. What an item had before and has again, or begins in one instant
-- with something else, is looked at line by line.
interleaved_items as (
    select distinct
        source_name,
        item_id
    from billed_terms
    where is_interleaved
),

interleaved_lines as (
    select item_lines.*
    from {{ ref('stripe_fivetran__lines') }} as item_lines
    inner join interleaved_items using (source_name, item_id)
    where item_lines.begins_terms
),

changes as (
    select
        source_name,
        item_id,
        price_id,
        quantity,
        billed_price,
        period_start,
        amount,
        line_id
    from interleaved_lines
    window item_so_far as (partition by source_name, item_id order by period_start, amount, line_id)
    qualify price_id is distinct from lag(price_id) over item_so_far
        or quantity is distinct from lag(quantity) over item_so_far
        or billed_price is distinct from lag(billed_price) over item_so_far
    union all
    select
        source_name,
        item_id,
        billed_terms.price_id,
        billed_terms.quantity,
        billed_terms.billed_price,
        billed_terms.first_from as period_start,
        null as amount,
        null as line_id
    from billed_terms
    left join interleaved_items using (source_name, item_id)
    where interleaved_items.item_id is null
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
        null as known_price,
        known_from as started_at,
        null as next_period_start
    from items
    where not is_billed
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
