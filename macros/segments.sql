{#-
    The segments that the var `segments` names, each once: attributes of customers, crossings of them (country+industry),
    and those of plans; `all` is always there. Names of columns are compared without case; a segment is called as the var calls it.
-#}
{% macro requested_segments() -%}
    {%- set names = [] -%}
    {%- for name in var('segments') or [] if name | string | lower != 'all' -%}
        {%- set parts = [] -%}
        {%- for part in (name | string).split('+') -%}
            {%- do parts.append(part | trim) -%}
        {%- endfor -%}
        {%- set name = parts | join('+') -%}
        {%- do names.append(name | lower if name | lower in plan_segments() else name) -%}
    {%- endfor -%}
    {{ return(names | unique | list) }}
{%- endmacro %}

{#- The default of the var `segments`. -#}
{% macro default_segments() -%}
    {{ return(['country', 'acquisition_channel', 'plan', 'product', 'billing_interval']) }}
{%- endmacro %}

{#- The segments of subscriptions alone: what a plan says of them. -#}
{% macro plan_segments() -%}
    {{ return(['plan', 'product', 'billing_interval']) }}
{%- endmacro %}

{#- The requested segments of customers: attributes and crossings. -#}
{% macro customer_segments() -%}
    {{ return(requested_segments() | reject('in', plan_segments()) | list) }}
{%- endmacro %}

{#- The columns of the raw table customers that requested segments are made of. -#}
{% macro segment_attributes() -%}
    {{ return((customer_segments() | join('+')).split('+') | reject('equalto', '') | unique(case_sensitive=false) | list) }}
{%- endmacro %}

{#-
    The value that customers have in a segment of customers; null or blank attributes are unknown.
    Example: {{ segment_value('country+industry') }} is 'DE / retail'
-#}
{% macro segment_value(segment) -%}
    {%- for attribute in segment.split('+') -%}
        {%- set column = 'customers.' ~ adapter.quote(attribute | lower) -%}
        {%- set text = 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        {{ " || ' / ' || " if not loop.first -}}
        coalesce(case when {{ trimmed(column) }} <> '' then {{ text }} end, 'unknown')
    {%- endfor -%}
{%- endmacro %}

{#-
    The columns of the raw table customers: their names in lower case, by which segments and staging know them, and as they
    are there. Stops where the var `segments` names another one.
-#}
{% macro columns_of_segments() -%}
    {%- set columns, unknown = {}, [] -%}
    {%- for column in adapter.get_columns_in_relation(raw('customers')) if execute -%}
        {%- do columns.update({column.name | lower: column.name}) -%}
    {%- endfor -%}
    {%- for name in segment_attributes() if name | lower not in columns -%}
        {%- do unknown.append(name) -%}
    {%- endfor -%}
    {%- if columns and unknown -%}
        {{ exceptions.raise_compiler_error(
            "segments: customers has no column '" ~ unknown | join("', '") ~ "'. There are: " ~ columns | join(', ')
            ~ '; and of subscriptions ' ~ plan_segments() | join(', ') ~ '.'
        ) }}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}
