{#-
    An amount in minor units, cents or yen, in major ones, by the digits that its currency has after the point, null: two.
    Example: {{ major_units('unit_amount', 'exponents.exponent') }} as price
-#}
{% macro major_units(amount, exponent) -%}
    cast(
        {{ amount }} * case coalesce({{ exponent }}, 2) when 0 then 1 when 3 then 0.001 else 0.01 end as decimal(38, 10)
    )
{%- endmacro %}

{#-
    A number as text without trailing zeros: 25, 10.5. The id of a plan at another price than its own ends in it.
    Example: plan_id || '@' || {{ plain_number('price') }}
-#}
{% macro plain_number(number) -%}
    rtrim(rtrim(cast(cast({{ number }} as decimal(38, 10)) as {{ dbt.type_string() }}), '0'), '.')
{%- endmacro %}

{#-
    The instant one billing interval of a plan after another.
    Example: period_end >= {{ after_interval('period_start', 'plans') }}
-#}
{% macro after_interval(instant, plan) -%}
    case {{ plan }}.billing_interval
        {%- for unit in ['day', 'week', 'month', 'year'] %}
        when '{{ unit }}' then {{ dbt.dateadd(unit, plan ~ '.billing_interval_count', instant) }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
    How many units a plan sells: packages where it has a package_size, none where it is_metered, one where nothing is
    said.
    Example: {{ units_sold('items.quantity', 'prices') }} as quantity
-#}
{% macro units_sold(quantity, plan) -%}
    cast(
        case
            when {{ plan }}.is_metered then 0
            when {{ plan }}.package_size > 1 and {{ plan }}.package_rounding = 'down'
                then floor(coalesce({{ quantity }}, 1) / {{ plan }}.package_size)
            when {{ plan }}.package_size > 1 then ceil(coalesce({{ quantity }}, 1) / {{ plan }}.package_size)
            else coalesce({{ quantity }}, 1)
        end as bigint
    )
{%- endmacro %}

{#- What stands for no end while stretches are compared. -#}
{% macro open_end() -%}
    cast('9999-12-31' as timestamp)
{%- endmacro %}

{#-
    The stretches of a relation, from started_at to ended_at, where neighbours of the same key that touch and have equal
    terms are one, and whether each is_last_stretch of its key. Stretches without length are left out. What is carried is
    not compared, since it hangs on key and terms.
    Example: select * from {{ merged_stretches('pieces', ['subscription_id'], ['status', 'quantity']) }} as merged
-#}
{% macro merged_stretches(relation, key, terms, carried=[]) -%}
    (
        select
            {{ (key + terms + carried) | join(',\n            ') }},
            started_at,
            coalesce(lead(ended_before) over stretches, last_ended_at) as ended_at,
            lead(started_at) over stretches is null as is_last_stretch
        from (
            select
                *,
                lag(ended_at) over stretches as ended_before,
                max(ended_at) over (partition by {{ key | join(', ') }}) as last_ended_at,
                not coalesce(
                    started_at = lag(ended_at) over stretches
                    {%- for term in terms %}
                    and {{ term }} is not distinct from lag({{ term }}) over stretches
                    {%- endfor %},
                    false
                ) as is_change
            from {{ relation }}
            where started_at < ended_at
            window stretches as (partition by {{ key | join(', ') }} order by started_at)
        ) as compared
        where is_change
        window stretches as (partition by {{ key | join(', ') }} order by started_at)
    )
{%- endmacro %}

{#-
    The value of a key in a text of JSON such as Stripe's metadata, null where it is not there.
    Example: {{ json_text('metadata', 'channel') }}
-#}
{% macro json_text(json, key) -%}
    {{ adapter.dispatch('json_text', 'retention_marts')(json, key) }}
{%- endmacro %}

{% macro default__json_text(json, key) -%}
    {{ not_written('json_text') }}
{%- endmacro %}

{% macro duckdb__json_text(json, key) -%}
    json_extract_string({{ json }}, '$."{{ key | replace("'", "''") }}"')
{%- endmacro %}
