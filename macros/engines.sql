{#- What PostgreSQL and Spark need that DuckDB does without. -#}

{#- What a macro says on an engine that it is not written for, once it is run: every model is parsed. -#}
{% macro not_written(name) -%}
    {{ exceptions.raise_compiler_error(name ~ ' is not written for ' ~ target.type ~ ' yet') if execute }}
{%- endmacro %}

{#-
    Before a model or seed is built, in its transaction. On PostgreSQL: texts of dates and numbers do not depend on the
    server's settings; joins are by hash, since a join on five keys is estimated to find one row, and a loop over what it
    does find takes minutes; and a build whose turn another one has taken writes nothing more.
-#}
{% macro begin_node() -%}
    {{ adapter.dispatch('begin_node', 'retention_marts')() }}
{%- endmacro %}

{% macro default__begin_node() -%}
{%- endmacro %}

{% macro postgres__begin_node() -%}
    set local timezone = 'UTC';
    set local datestyle = 'ISO';
    set local extra_float_digits = 1;
    set local enable_mergejoin = off;
    set local enable_nestloop = off;
    set local jit = off;
    {%- if flags.WHICH in ['build', 'run'] %}
    {{ assert_turn() }}
    {%- endif %}
{%- endmacro %}

{#-
    An id as it is sorted where the order settles a tie: byte by byte, whatever the language of the database.
    Example: row_number() over (order by {{ byte_order('plan_id') }})
-#}
{% macro byte_order(column) -%}
    {{ adapter.dispatch('byte_order', 'retention_marts')(column) }}
{%- endmacro %}

{% macro default__byte_order(column) -%}
    {{ column }}
{%- endmacro %}

{% macro postgres__byte_order(column) -%}
    {{ column }} collate "C"
{%- endmacro %}

{#-
    After a table is built. PostgreSQL counts what is in it: it would plan whatever reads it next blindly, in nested
    loops.
-#}
{% macro update_statistics() -%}
    {{ adapter.dispatch('update_statistics', 'retention_marts')() }}
{%- endmacro %}

{% macro default__update_statistics() -%}
{%- endmacro %}

{% macro postgres__update_statistics() -%}
    {%- if model.config.materialized in ['table', 'seed'] -%}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}

{#-
    dbt's own words for Spark repeat their arguments ten times over: one in the other, as a timezone needs it, is a
    statement of megabytes. They lose fractions of a second, and hold what reads them back from being moved in a plan.
-#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, cast({{ interval }} as int), {{ from_date_or_timestamp }})
{%- endmacro %}

{% macro spark__datediff(first_date, second_date, datepart) -%}
    {{ not_written('datediff by ' ~ datepart) if datepart != 'day' }}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}
