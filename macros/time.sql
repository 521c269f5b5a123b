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
            else {{ first_instant('cast(' ~ raw_column ~ ' as timestamp)') }}
        end
    {%- endif -%}
{%- endmacro %}

{#-
    A raw end as an instant. With the var `ended_at_is_inclusive` a bare date, and the first or last second of a day in
    the reporting timezone, is the midnight after that day.
    Example: {{ end_instant('ended_at') }} as ended_at
-#}
{% macro end_instant(raw_column) -%}
    {%- set end = instant(raw_column) -%}
    {%- if not var('ended_at_is_inclusive') -%}
        {{ end }}
    {%- else -%}
        {%- set local_end = reporting_time(end) -%}
        case
            when cast({{ raw_column }} as {{ dbt.type_string() }}) not like '%:%'
                or {{ dbt.date_trunc('second', local_end) }} = cast(cast({{ local_end }} as date) as timestamp)
                or {{ dbt.date_trunc('second', local_end) }}
                = {{ dbt.dateadd('second', 86399, 'cast(cast(' ~ local_end ~ ' as date) as timestamp)') }}
                then {{ first_instant(
                    'cast(' ~ dbt.dateadd('day', 1, 'cast(' ~ local_end ~ ' as date)') ~ ' as timestamp)'
                ) }}
            else {{ end }}
        end
    {%- endif -%}
{%- endmacro %}

{#-
    The date of an instant in the reporting timezone.
    Example: {{ business_date('started_at') }} as start_date
-#}
{% macro business_date(instant) -%}
    cast({{ reporting_time(instant) }} as date)
{%- endmacro %}

{#-
    What the clocks of the reporting timezone show at an instant.
    Example: reporting_time('started_at')
-#}
{% macro reporting_time(instant) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        {{ instant }}
    {%- else -%}
        {{ change_timezone(instant, 'UTC', var('reporting_timezone')) }}
    {%- endif -%}
{%- endmacro %}

{#-
    The instant at which the clocks of the reporting timezone first show a time: one that they show twice, because they
    are set back, counts as the first. The engine may take the second, which one more look at the day before tells;
    a time that stands for no end has no such day.
    Example: first_instant("timestamp '2018-11-04 00:00:00'")
-#}
{% macro first_instant(local_time) -%}
    {{ adapter.dispatch('first_instant', 'retention_marts')(local_time) }}
{%- endmacro %}

{% macro default__first_instant(local_time) -%}
    {%- set zone = var('reporting_timezone') -%}
    {%- if zone == 'UTC' -%}
        {{ local_time }}
    {%- else -%}
        {%- set found = change_timezone(local_time, zone, 'UTC') -%}
        {%- set day_before = dbt.dateadd('day', -1, found) -%}
        {%- set earlier = day_before ~ ' + (' ~ local_time ~ ' - ' ~ change_timezone(day_before, 'UTC', zone) ~ ')' -%}
        case
            when {{ local_time }} not between timestamp '0001-01-02' and timestamp '9999-12-30' then {{ found }}
            when {{ earlier }} < {{ found }} and {{ change_timezone(earlier, 'UTC', zone) }} = {{ local_time }}
                then {{ earlier }}
            else {{ found }}
        end
    {%- endif -%}
{%- endmacro %}

{#- Spark takes the first. -#}
{% macro spark__first_instant(local_time) -%}
    {%- set zone = var('reporting_timezone') -%}
    {{ local_time if zone == 'UTC' else change_timezone(local_time, zone, 'UTC') }}
{%- endmacro %}

{#- The present instant, a UTC timestamp. No model asks for it. -#}
{% macro utc_now() -%}
    {{ adapter.dispatch('utc_now', 'retention_marts')() }}
{%- endmacro %}

{% macro default__utc_now() -%}
    cast(now() as timestamp)
{%- endmacro %}

{% macro postgres__utc_now() -%}
    cast(now() at time zone 'UTC' as timestamp)
{%- endmacro %}

{#-
    A timestamp read on the clocks of one timezone, as the clocks of another show it.
    Example: change_timezone('ordered_at', 'UTC', 'Europe/Berlin')
-#}
{% macro change_timezone(timestamp, from_timezone, to_timezone) -%}
    {{ adapter.dispatch('change_timezone', 'retention_marts')(timestamp, from_timezone, to_timezone) }}
{%- endmacro %}

{% macro default__change_timezone(timestamp, from_timezone, to_timezone) -%}
    {{ not_written('change_timezone') }}
{%- endmacro %}

{% macro duckdb__change_timezone(timestamp, from_timezone, to_timezone) -%}
    timezone('{{ to_timezone }}', timezone('{{ from_timezone }}', {{ timestamp }}))
{%- endmacro %}

{% macro postgres__change_timezone(timestamp, from_timezone, to_timezone) -%}
    {{ duckdb__change_timezone(timestamp, from_timezone, to_timezone) }}
{%- endmacro %}

{% macro spark__change_timezone(timestamp, from_timezone, to_timezone) -%}
    from_utc_timestamp(to_utc_timestamp({{ timestamp }}, '{{ from_timezone }}'), '{{ to_timezone }}')
{%- endmacro %}
