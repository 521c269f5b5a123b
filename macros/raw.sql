{#- The names of the raw tables. -#}
{% macro raw_table_names() -%}
    {{ return(['customers', 'plans', 'subscriptions', 'orders', 'activity']) }}
{%- endmacro %}

{#-
    The relation of a raw table: the demo's seed, files, or a table of the warehouse. Whoever reads one depends on all of
    them, so that a guard that refuses one, or a key from one into another, holds back everything.
    Example: select * from {{ raw('orders') }}
-#}
{% macro raw(table) -%}
    {%- set relations = {} -%}
    {%- for name in raw_table_names() -%}
        {%- if raw_tables_are() == 'demo' -%}
            {%- do relations.update({name: ref('raw_' ~ name)}) -%}
        {%- elif raw_tables_are() == 'schema' -%}
            {%- do relations.update({name: source('raw', name)}) -%}
        {%- else -%}
            {%- do relations.update({name: ref('raw_file_' ~ name)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute and table == 'activity' and raw_tables_are() == 'schema' and not load_relation(relations[table]) -%}
        {{ return(no_activity()) }}
    {%- endif -%}
    {{ return(relations[table]) }}
{%- endmacro %}

{#-
    What stands for the raw table activity, the one that need not be there, where it is not.
    Example: select * from {{ no_activity() }}
-#}
{% macro no_activity() -%}
    (
        select
            cast(null as {{ dbt.type_string() }}) as customer_id,
            cast(null as date) as activity_date,
            cast(null as integer) as events
        where false
    )
{%- endmacro %}

{#- Where the raw tables are: 'demo', 'csv', 'parquet' or 'schema'. -#}
{% macro raw_tables_are() -%}
    {%- set location = (var('raw_location') or '') | string -%}
    {%- if location and var('raw_schema') -%}
        {{ exceptions.raise_compiler_error('Set raw_location or raw_schema, not both.') }}
    {%- elif var('raw_schema') -%}
        {{ return('schema') }}
    {%- elif not location -%}
        {{ return('demo') }}
    {%- elif '{table}' not in location or location.split('.')[-1] not in ['csv', 'parquet'] -%}
        {{ exceptions.raise_compiler_error(
            "raw_location must be a path with {table} in it that ends in .csv or .parquet, such as "
            ~ "'exports/{table}.csv'; it is '" ~ location ~ "'."
        ) }}
    {%- else -%}
        {{ return(location.split('.')[-1]) }}
    {%- endif -%}
{%- endmacro %}

{#-
    A relation over the files of a raw table. CSV is RFC 4180 (comma, double quotes, a header line) and read as text:
    nothing is guessed from the data.
    Example: select * from {{ read_files('orders') }}
-#}
{% macro read_files(table) -%}
    {{ adapter.dispatch('read_files', 'retention_marts')((var('raw_location') or '') | replace('{table}', table)) }}
{%- endmacro %}

{% macro default__read_files(path) -%}
    {{ exceptions.raise_compiler_error('raw_location is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__read_files(path) -%}
    {%- set quoted = "'" ~ path | replace("'", "''") ~ "'" -%}
    {%- if path.endswith('.csv') -%}
        read_csv(
            {{ quoted }},
            all_varchar = true, header = true, union_by_name = true,
            delim = ',', quote = '"', escape = '"', comment = '', skip = 0
        )
    {%- else -%}
        read_parquet({{ quoted }}, union_by_name = true)
    {%- endif -%}
{%- endmacro %}

{#-
    Whether there are files of a raw table.
    Example: {{ read_files('activity') if has_files('activity') else no_activity() }}
-#}
{% macro has_files(table) -%}
    {%- set path = (var('raw_location') or '') | replace('{table}', table) -%}
    {{ return(execute and adapter.dispatch('has_files', 'retention_marts')(path)) }}
{%- endmacro %}

{% macro default__has_files(path) -%}
    {{ exceptions.raise_compiler_error('raw_location is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__has_files(path) -%}
    {{ return(run_query("select count(*) from glob('" ~ path | replace("'", "''") ~ "')")[0][0] > 0) }}
{%- endmacro %}
