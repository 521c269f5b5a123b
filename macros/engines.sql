{#- What PostgreSQL and Spark need that DuckDB does without. -#}

{#-
    Before a model or seed is built, in its transaction. On PostgreSQL: texts of dates and numbers do not depend on the
    server's settings, plans do not fall into merge joins on the first of many keys, and a build whose turn another one
    has taken writes nothing more.
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
    {%- if flags.WHICH in ['build', 'run'] %}
    {{ assert_turn() }}
    {%- endif %}
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
