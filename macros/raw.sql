{#- The names of the raw tables. -#}
{% macro raw_table_names() -%}
    {{ return(['customers', 'plans', 'subscriptions', 'orders'] + optional_raw_tables().keys() | list) }}
{%- endmacro %}

{#- The raw tables that may be missing altogether, with their columns. -#}
{% macro optional_raw_tables() -%}
    {{ return({
        'activity': {'customer_id': dbt.type_string(), 'activity_date': 'date', 'events': 'integer'},
        'exchange_rates': {'currency': dbt.type_string(), 'date': 'date', 'rate': 'decimal(38, 15)'}
    }) }}
{%- endmacro %}

{#- The columns that a raw table may lack, all of their values being null then. -#}
{% macro optional_columns() -%}
    {{ return({'customers': ['email'], 'subscriptions': ['amount']}) }}
{%- endmacro %}

{#-
    The relation of a raw table: the demo's seed, files, a table of the warehouse, or the union of the billing sources.
    Whoever reads one depends on all of them, so that a guard that refuses one, or a key from one into another, holds
    back everything.
    Example: select * from {{ raw('orders') }}
-#}
{% macro raw(table) -%}
    {%- set relations = {} -%}
    {%- for name in raw_table_names() -%}
        {%- set kind = raw_tables_are(name) -%}
        {%- if kind == 'demo' -%}
            {%- do relations.update({name: ref('raw_' ~ name)}) -%}
        {%- elif kind == 'schema' -%}
            {%- do relations.update({name: source('raw', name)}) -%}
        {%- elif kind == 'sources' -%}
            {%- do relations.update({name: ref('source_' ~ name)}) -%}
        {%- elif kind != 'nowhere' -%}
            {%- do relations.update({name: ref('raw_file_' ~ name)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if table not in relations -%}
        {{ return(no_rows(table)) }}
    {%- elif execute and raw_tables_are(table) == 'schema' and not load_relation(relations[table]) -%}
        {{ return(
            no_rows(table) if table in optional_raw_tables() else unreadable('there is no table ' ~ relations[table])
        ) }}
    {%- endif -%}
    {{ return(relations[table]) }}
{%- endmacro %}

{#-
    The rows of a raw table, with nulls in place of the optional columns that it lacks.
    Example: select amount from {{ delivered('subscriptions') }}
-#}
{% macro delivered(table) -%}
    {%- set relation = raw(table) -%}
    {%- set columns, missing = [], [] -%}
    {%- if execute and table in optional_columns() and relation is not string -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do columns.append(column.name | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if columns and columns != ['unreadable_because'] -%}
        {%- do missing.extend(optional_columns()[table] | reject('in', columns)) -%}
    {%- endif -%}
    {%- if not missing -%}
        {{ return(relation) }}
    {%- endif -%}
    (
        select
            raw_rows.*
            {%- for column in missing -%}
            ,
            cast(null as {{ dbt.type_string() }}) as {{ column }}
            {%- endfor %}
        from {{ relation }} as raw_rows
    ) as {{ table }}
{%- endmacro %}

{#-
    What stands for an optional raw table where it is not.
    Example: select * from {{ no_rows('activity') }}
-#}
{% macro no_rows(table) -%}
    (
        select
            {%- for column, type in optional_raw_tables()[table].items() %}
            cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
    ) as {{ table }}
{%- endmacro %}

{#-
    Where a raw table is: 'demo', 'csv', 'parquet', 'schema', or 'sources', those of the var billing_sources. Vendors
    have no optional tables: beside billing_sources, raw_location or raw_schema says where these are, and without them,
    as in the demo where it lacks one, they are 'nowhere'.
-#}
{% macro raw_tables_are(table='customers') -%}
    {%- set location = (var('raw_location') or '') | string -%}
    {%- set is_optional = table in optional_raw_tables() -%}
    {%- if location and var('raw_schema') -%}
        {{ exceptions.raise_compiler_error('Set raw_location or raw_schema, not both.') }}
    {%- elif var('billing_sources') and not is_optional -%}
        {{ return('sources') }}
    {%- elif var('raw_schema') -%}
        {{ return('schema') }}
    {%- elif not location -%}
        {{ return('nowhere' if var('billing_sources') or table not in demo_raw_tables() else 'demo') }}
    {%- elif '{table}' not in location or location.split('.')[-1] not in ['csv', 'parquet'] -%}
        {{ exceptions.raise_compiler_error(
            "raw_location must be a path with {table} in it that ends in .csv or .parquet, such as "
            ~ "'exports/{table}.csv'; it is '" ~ location ~ "'."
        ) }}
    {%- else -%}
        {{ return(location.split('.')[-1]) }}
    {%- endif -%}
{%- endmacro %}

{#- The raw tables that the demo company has. -#}
{% macro demo_raw_tables() -%}
    {{ return(['customers', 'plans', 'subscriptions', 'orders', 'activity']) }}
{%- endmacro %}

{#- Stops before the first model where there is no raw_schema, and says which schemas there are. Runs on-run-start. -#}
{% macro check_raw_schema() -%}
    {%- if execute and var('raw_schema') -%}
        {%- set database = var('raw_database') or target.database -%}
        {%- set internal = ['information_schema', 'pg_catalog', 'pg_toast'] + own_schemas() -%}
        {%- set schemas = list_schemas(database).columns[0].values() | reject('in', internal) | sort -%}
        {%- if not schemas -%}
            {{ exceptions.raise_compiler_error('raw_database: no database ' ~ database ~ ' is attached.') }}
        {%- elif var('raw_schema') | lower not in schemas | map('lower') -%}
            {{ exceptions.raise_compiler_error(
                'raw_schema: there is no schema ' ~ var('raw_schema') ~ ' in ' ~ database ~ '; there are '
                ~ schemas | join(', ') ~ '.'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#-
    What counts as a blank: spaces, tabs, line ends; no-break spaces, narrow ones, and the wide one of Chinese and
    Japanese texts; and what has no width at all, which spreadsheets and web pages leave.
-#}
{% macro blanks() -%}
    '{{ " \u00a0\u2007\u202f\u3000\u200b\ufeff" }}' || chr(9) || chr(10) || chr(13)
{%- endmacro %}

{#-
    A text without outer blanks.
    Example: {{ trimmed('country') }} <> ''
-#}
{% macro trimmed(raw_column) -%}
    {{ adapter.dispatch('trimmed', 'retention_marts')('cast(' ~ raw_column ~ ' as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}

{% macro default__trimmed(text) -%}
    trim({{ text }}, {{ blanks() }})
{%- endmacro %}

{% macro spark__trimmed(text) -%}
    btrim({{ text }}, {{ blanks() }})
{%- endmacro %}

{#-
    A text without case and outer blanks, by which statuses are compared.
    Example: {{ plain_text('status') }} as status
-#}
{% macro plain_text(raw_column) -%}
    lower({{ trimmed(raw_column) }})
{%- endmacro %}

{#-
    The var countable_order_statuses as stg_orders has statuses.
    Example: status in ({{ text_list(countable_statuses()) }})
-#}
{% macro countable_statuses() -%}
    {{ return((var('countable_order_statuses') or []) | map('string') | map('trim') | map('lower') | unique | list) }}
{%- endmacro %}

{#-
    A raw number as a decimal, by way of its text: of a double that is the shortest one, without dust in the last
    digits.
    Example: {{ exact_number('amount', 'decimal(28, 10)') }} as amount
-#}
{% macro exact_number(raw_column, type) -%}
    cast(cast({{ raw_column }} as {{ dbt.type_string() }}) as {{ type }})
{%- endmacro %}

{#-
    A raw whole number, by way of a decimal: engines disagree about texts such as 5.0.
    Example: {{ whole_number('quantity', 'bigint') }} as quantity
-#}
{% macro whole_number(raw_column, type) -%}
    cast(cast({{ raw_column }} as decimal(38, 10)) as {{ type }})
{%- endmacro %}

{#-
    What stands for a raw table that cannot be read: one row with the reason, which the guard of that table says. The
    guards of the others go on.
    Example: select * from {{ unreadable('there is no file exports/orders.csv') }}
-#}
{% macro unreadable(reason) -%}
    (select '{{ reason | replace("'", "''") }}' as unreadable_because) as unreadable
{%- endmacro %}

{#-
    A relation over the files of a raw table. CSV is RFC 4180 (double quotes, a header line) and read as text: nothing
    is guessed from the data, and the separator from the header line alone.
    Example: select * from {{ read_files('orders') }}
-#}
{% macro read_files(table) -%}
    {%- set path = (var('raw_location') or '') | replace('{table}', table) -%}
    {%- set found = look_at_files(path) if execute else {'files': 1, 'problem': '', 'separator': ','} -%}
    {%- if table in optional_raw_tables() and not found.files -%}
        {{ no_rows(table) }}
    {%- elif found.problem -%}
        {{ unreadable(found.problem) }}
    {%- else -%}
        {{ files_as_delivered(path, found.separator) }}
    {%- endif -%}
{%- endmacro %}

{#- How many files a path stands for, what separates their columns, and why they cannot be read, if they cannot. -#}
{% macro look_at_files(path) -%}
    {{ return(adapter.dispatch('look_at_files', 'retention_marts')(path)) }}
{%- endmacro %}

{% macro default__look_at_files(path) -%}
    {{ exceptions.raise_compiler_error(
        target.type ~ ' reads no files such as ' ~ path ~ '. Load them into tables of one schema, and name it in raw_schema'
    ) }}
{%- endmacro %}

{% macro duckdb__look_at_files(path) -%}
    {%- set question = tojson({'path': path, 'separator': var('csv_separator')}) | replace("'", "''") -%}
    {{ return(fromjson(run_query("select look_at_files('" ~ question ~ "')")[0][0])) }}
{%- endmacro %}

{#-
    Spark lists the folder, since a path without a file is an error, and reads the header line of the first file. The
    view has the path in its name: two models look at once.
-#}
{% macro spark__look_at_files(path) -%}
    {%- set folder, name = (path.rsplit('/', 1) if '/' in path else ['.', path]) -%}
    {%- set listing = 'raw_files_' ~ local_md5(path) -%}
    {%- do run_query(
        'create or replace temporary view ' ~ listing ~ ' using binaryFile options (path ' ~ sql_text(folder)
        ~ ', pathGlobFilter ' ~ sql_text(name) ~ ')'
    ) -%}
    {%- set files = run_query('select path from ' ~ listing ~ ' order by path').columns[0].values() | list -%}
    {%- set separator = var('csv_separator') or ',' -%}
    {%- if files and path.endswith('.csv') and not var('csv_separator') -%}
        {%- set header = run_query('select value from text.`' ~ files[0] ~ '` limit 1') -%}
        {%- for other in [';', '\t'] if header | length and header[0][0].count(other) > header[0][0].count(separator) -%}
            {{ return({'files': files | length, 'separator': other, 'problem': ''}) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return({
        'files': files | length, 'separator': separator, 'problem': '' if files else 'there is no file ' ~ path
    }) }}
{%- endmacro %}

{#- The rows of files: of CSV as text, of Parquet as they are. -#}
{% macro files_as_delivered(path, separator) -%}
    {{ adapter.dispatch('files_as_delivered', 'retention_marts')(path, separator) }}
{%- endmacro %}

{% macro default__files_as_delivered(path, separator) -%}
    {{ not_written('files_as_delivered') }}
{%- endmacro %}

{% macro duckdb__files_as_delivered(path, separator) -%}
    {%- set quoted = "'" ~ path | replace("'", "''") ~ "'" -%}
    {%- if path.endswith('.csv') -%}
        read_csv(
            {{ quoted }},
            all_varchar = true, header = true, union_by_name = true,
            delim = '{{ separator | replace("'", "''") }}', quote = '"', escape = '"', comment = '', skip = 0
        )
    {%- else -%}
        read_parquet({{ quoted }}, union_by_name = true)
    {%- endif -%}
{%- endmacro %}

{#- The options of CSV can be said to a temporary view alone. Quoted or not, an empty text is a null. -#}
{% macro spark__files_as_delivered(path, separator) -%}
    {%- if path.endswith('.csv') and execute -%}
        {%- set name = 'raw_csv_' ~ local_md5(path) -%}
        {%- do run_query(
            'create or replace temporary view ' ~ name ~ ' using csv options (path ' ~ sql_text(path) ~ ', sep '
            ~ sql_text(separator) ~ ", header 'true', quote '\"', escape '\"', multiLine 'true', enforceSchema 'false',"
            ~ " mode 'FAILFAST')"
        ) -%}
        (
            select
                {%- for column in get_columns_in_query('select * from ' ~ name) %}
                nullif({{ adapter.quote(column) }}, '') as {{ adapter.quote(column) }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ name }}
        ) as delivered
    {%- else -%}
        parquet.`{{ path }}`
    {%- endif -%}
{%- endmacro %}
