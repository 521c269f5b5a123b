{#-
    An amount off as a percentage of what it is off, 100 at most, with ten decimals; null of nothing.
    Example: {{ percent_off('discounts.amount', 'sum(items.amount) over version_items') }} as percent
-#}
{% macro percent_off(amount, total) -%}
    case
        when {{ amount }} < {{ total }} then cast({{ millionths(
            'cast((' ~ amount ~ ') * 10000000000 as hugeint) * 1000000000000',
            'cast((' ~ total ~ ') * 10000000000 as hugeint)'
        ) }} * 0.0001 as decimal(13, 10))
        when {{ total }} > 0 then 100
    end
{%- endmacro %}

{#-
    Several discounts at once as one percentage: amounts off are added up and come first, percentages are of the rest.
    An aggregate; null of none.
    Example: {{ discounts_at_once('discounts.percent', 'discounts.is_amount') }} as discount_percent
-#}
{% macro discounts_at_once(percent, is_amount) -%}
    {{ adapter.dispatch('discounts_at_once', 'retention_marts')(percent, is_amount) }}
{%- endmacro %}

{% macro default__discounts_at_once(percent, is_amount) -%}
    {{ not_written('discounts_at_once') }}
{%- endmacro %}

{#- Rests are whole numbers of 1e-10 per cent: 1e12 is everything. -#}
{% macro duckdb__discounts_at_once(percent, is_amount) -%}
    {%- set everything = 'cast(1000000000000 as hugeint)' -%}
    100 - cast(list_reduce(
        list_concat(
            [greatest(
                {{ everything }}
                - cast(coalesce(sum({{ percent }}) filter (where {{ is_amount }}), 0) * 10000000000 as hugeint), 0
            )],
            coalesce(
                list({{ everything }} - cast({{ percent }} * 10000000000 as hugeint) order by {{ percent }})
                filter (where not {{ is_amount }}), []
            )
        ),
        lambda rest, next_rest: (2 * rest * next_rest + {{ everything }}) // (2 * {{ everything }})
    ) as decimal(28, 0)) * cast(0.0000000001 as decimal(11, 10))
{%- endmacro %}

{#-
    Spans of a subscription's versions as stretches. Of a span, `is_last` tells whether an end follows, whose `end_reason`
    and `requested_at` then stand in the last stretch before it; in stretches before that a request stands while they run.
    Example: select * from {{ stretches_with_ends('told') }} as stretches
-#}
{% macro stretches_with_ends(spans) -%}
    (
        with
        bounded as (
            select
                * exclude (ended_at),
                coalesce(ended_at, {{ open_end() }}) as ended_at,
                case when requested_at < coalesce(ended_at, {{ open_end() }}) then requested_at end as cancel_requested_at
            from {{ spans }}
        ),

        merged as (
            select *
            from {{ merged_stretches(
                'bounded',
                ['source_name', 'subscription_id'],
                ['customer_id', 'plan_id', 'status', 'quantity', 'discount_percent', 'cancel_requested_at']
            ) }} as merged
        ),

        endings as (select * from bounded where is_last)

        select
            source_name,
            subscription_id,
            merged.customer_id,
            merged.plan_id,
            merged.status,
            merged.quantity,
            merged.discount_percent,
            merged.started_at,
            nullif(ended_at, {{ open_end() }}) as ended_at,
            coalesce(merged.cancel_requested_at, endings.requested_at) as cancel_requested_at,
            endings.end_reason,
            cast(null as decimal(38, 10)) as amount
        from merged
        left join endings using (source_name, subscription_id, ended_at)
    )
{%- endmacro %}
