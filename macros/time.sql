{#-
    A raw value as an instant, a UTC timestamp. A bare date is midnight of that date in the reporting timezone;
    everything else is UTC already.
    Example: {{ instant('started_at') }} as started_at
-#}
{% macro instant(raw_column) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ raw_column }} as timestamp)
    {%- else -%}
        case
            when cast({{ raw_column }} as {{ dbt.type_string() }}) like '%:%' then cast({{ raw_column }} as timestamp)
            else {{ change_timezone('cast(' ~ raw_column ~ ' as timestamp)', var('reporting_timezone'), 'UTC') }}
        end
    {%- endif -%}
{%- endmacro %}

{#-
    The date of an instant in the reporting timezone.
    Example: {{ business_date('started_at') }} as start_date
-#}
{% macro business_date(instant) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ instant }} as date)
    {%- else -%}
        cast({{ change_timezone(instant, 'UTC', var('reporting_timezone')) }} as date)
    {%- endif -%}
{%- endmacro %}

{#-
    A timestamp read on the clocks of one timezone, as the clocks of another show it.
    Example: change_timezone('ordered_at', 'UTC', 'Europe/Berlin')
-#}
{% macro change_timezone(timestamp, from_timezone, to_timezone) -%}
    {{ adapter.dispatch('change_timezone', 'retention_marts')(timestamp, from_timezone, to_timezone) }}
{%- endmacro %}

{% macro default__change_timezone(timestamp, from_timezone, to_timezone) -%}
    {{ exceptions.raise_compiler_error('change_timezone is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__change_timezone(timestamp, from_timezone, to_timezone) -%}
    timezone('{{ to_timezone }}', timezone('{{ from_timezone }}', {{ timestamp }}))
{%- endmacro %}
