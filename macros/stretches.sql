{#-
    A field of a JSON object of the vendor's, of the data type that a mapping wants; null where it is missing.
    Example: {{ json_value('content', 'trial_end', 'timestamp') }} as trial_end
-#}
{% macro json_value(object, field, data_type='varchar') -%}
    {{ adapter.dispatch('json_value', 'retention_marts')(object, field, data_type) }}
{%- endmacro %}

{% macro default__json_value(object, field, data_type) -%}
    {{ exceptions.raise_compiler_error('json_value is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__json_value(object, field, data_type) -%}
    {%- set text = 'nullif((' ~ object ~ " ->> '" ~ field ~ "'), '')" -%}
    {%- if data_type == 'json' -%}
        nullif({{ object }} -> '{{ field }}', cast('null' as json))
    {%- elif data_type == 'timestamp' -%}
        {{ vendor_instant(text, 'VARCHAR', text, 'cast(' ~ text ~ ' as decimal(38, 10))') }}
    {%- else -%}
        cast({{ text }} as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{#-
    The elements of a JSON array, a row each; none of null.
    Example: select subscription_id, {{ json_elements('coupons') }} as coupon
-#}
{% macro json_elements(array) -%}
    {{ adapter.dispatch('json_elements', 'retention_marts')(array) }}
{%- endmacro %}

{% macro default__json_elements(array) -%}
    {{ exceptions.raise_compiler_error('json_elements is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__json_elements(array) -%}
    unnest(cast({{ array }} as json[]))
{%- endmacro %}

{#-
    An amount of minor units in major ones; where the currency is not in the seed currency_exponents, they are hundredths.
    Example: {{ major_units('unit_price', 'currency_exponents.exponent') }} as unit_price
-#}
{% macro major_units(amount, exponent) -%}
    cast(
        {{ amount }} * case {{ exponent }} when 0 then 1 when 3 then 0.001 else 0.01 end as decimal(28, 10)
    )
{%- endmacro %}

{#-
    The id of a price that is not the plan's own: the plan's, and the price without trailing zeros.
    Example: {{ priced_plan_id('item_price_id', 'price') }} as plan_id
-#}
{% macro priced_plan_id(plan_id, price) -%}
    {{ plan_id }} || '@' || rtrim(rtrim(cast(cast({{ price }} as decimal(28, 10)) as {{ dbt.type_string() }}), '0'), '.')
{%- endmacro %}

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

{#-
    Segments of a vendor's subscriptions as stretches: neighbours that touch and have equal terms become one. Of the
    segments, `end_requested_at` and `end_reason` are filled in the last one before an end, where the vendor knows the
    end. They stay with the stretch; a request that is as late as the end, for it was made at once, is told only there.
    Example: select * from {{ joined_segments('segments') }}
-#}
{% macro joined_segments(segments) -%}
    (
        with
        marked as (
            select
                *,
                case
                    when lag(ended_at) over subscription_segments = started_at
                        and lag(customer_id) over subscription_segments = customer_id
                        and lag(plan_id) over subscription_segments = plan_id
                        and lag(status) over subscription_segments = status
                        and lag(quantity) over subscription_segments = quantity
                        and lag(discount_percent) over subscription_segments = discount_percent
                        and lag(cancel_requested_at) over subscription_segments
                        is not distinct from cancel_requested_at
                        then 0
                    else 1
                end as is_new
            from {{ segments }}
            window subscription_segments as (partition by source_name, subscription_id order by started_at)
        ),

        numbered as (
            select
                *,
                (sum(is_new) over (
                    partition by source_name, subscription_id order by started_at rows unbounded preceding
                )) as stretch_number
            from marked
        )

        select
            source_name,
            subscription_id,
            max(customer_id) as customer_id,
            max(plan_id) as plan_id,
            max(status) as status,
            max(quantity) as quantity,
            max(discount_percent) as discount_percent,
            min(started_at) as started_at,
            case when count(ended_at) = count(*) then max(ended_at) end as ended_at,
            coalesce(max(cancel_requested_at), max(end_requested_at)) as cancel_requested_at,
            max(end_reason) as end_reason,
            cast(null as decimal(38, 10)) as amount
        from numbered
        group by source_name, subscription_id, stretch_number
    )
{%- endmacro %}
