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
    {{ exceptions.raise_compiler_error('discounts_at_once is not written for ' ~ target.type ~ ' yet') }}
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
