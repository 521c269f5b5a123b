{#-
    Seeds travel to PostgreSQL and Spark as one JSON text of rows. dbt's own way binds each cell, which takes seconds for
    five thousand rows; on Spark it writes a null as the text None, and a quote ends its statement.
-#}
{% macro postgres__load_csv_rows(model, agate_table) -%}
    {{ return(load_json_rows(model, agate_table)) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {{ return(load_json_rows(model, agate_table)) }}
{%- endmacro %}

{% macro load_json_rows(model, agate_table) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(20000) -%}
        {%- set rows = [] -%}
        {%- for row in chunk -%}
            {%- set cells = [] -%}
            {%- for cell in row -%}
                {%- do cells.append(none if cell is none else cell | string) -%}
            {%- endfor -%}
            {%- do rows.append(cells) -%}
        {%- endfor -%}
        {%- set sql = adapter.dispatch('insert_json', 'retention_marts')(
            tojson(rows), agate_table.column_names, model.config.column_types
        ) -%}
        {%- do adapter.add_query(sql, abridge_sql_log=true) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements | first) }}
{%- endmacro %}

{% macro default__insert_json(rows, columns, types) -%}
    {{ not_written('insert_json') }}
{%- endmacro %}

{% macro postgres__insert_json(rows, columns, types) -%}
    insert into {{ this }}
    select
        {%- for name in columns %}
        cast(cells ->> {{ loop.index0 }} as {{ types[name] }}){{ ',' if not loop.last }}
        {%- endfor %}
    from json_array_elements({{ sql_text(rows) }}) as cells
{%- endmacro %}

{% macro spark__insert_json(rows, columns, types) -%}
    insert into {{ this }}
    select
        {%- for name in columns %}
        cast(cells[{{ loop.index0 }}] as {{ spark_type(types[name]) }}){{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select explode(from_json(
            {{ sql_text(rows) }}, 'array<array<string>>'
        )) as cells
    ) as parsed
{%- endmacro %}

{#- dbt would give a column without a type to Spark by its guess; here every seed names its types. -#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set sql -%}
        create table {{ this }} (
            {%- for name in agate_table.column_names -%}
                {{ name }} {{ spark_type(model.config.column_types[name]) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        )
        {{ file_format_clause() }}
    {%- endset -%}
    {%- do run_query(sql) -%}
    {{ return(sql) }}
{%- endmacro %}

{#- A type of a contract or a seed as Spark calls it. -#}
{% macro spark_type(name) -%}
    {{ return({'varchar': 'string', 'double precision': 'double'}.get(name, name)) }}
{%- endmacro %}

{#- The row without values that a contract is compared with: dbt's own, with Spark's types. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    {%- set translated = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do translated.update({name: dict(column, data_type=spark_type(column.data_type))}) -%}
    {%- endfor -%}
    {{ return(default__get_empty_schema_sql(translated)) }}
{%- endmacro %}
