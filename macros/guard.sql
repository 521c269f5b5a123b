{#-
    The data test that guards a raw table by its suite, which expectations/<table>.yml gives it in Great Expectations'
    own form. What is critical is an error, so that everything downstream is skipped; what is a warning makes dbt warn
    with the number of expectations that failed.
    On DuckDB Great Expectations judges, see plugins/guard.py; elsewhere the suite is rendered, see guard_by_sql.sql.
-#}
{% test meets_expectations(model, table, suite=none) %}

{{ config(
    severity = 'warn',
    fail_calc = 'coalesce(sum(warnings), 0)',
    warn_if = '> 0 /* each is an expectation of expectations/' ~ table ~ '.yml, named above */'
) }}

{#- Ahead of the branch: a dry run is parsed, too, and the next run does not parse again. -#}
{% set relations, columns = {}, {} %}
{% for name in raw_table_names() %}
    {% do relations.update({name: aliased(delivered(name))}) %}
    {% do columns.update({name: raw_columns(name)}) %}
{% endfor %}
{% set judges = guard_judges() if execute and not flags.EMPTY else [] %}
{#- A suite that is rendered is judged while its test is compiled, which other commands do, too. -#}
{% set rendered = none %}
{% if 'sql' in judges and flags.WHICH in ['build', 'test'] %}
    {% set rendered = judged_by_sql(table, suite, relations, columns) %}
{% endif %}

{% if 'great_expectations' in judges %}

{%- set question = {
    'table': table, 'suite': suite, 'relations': relations, 'columns': columns, 'build_id': invocation_id,
    'functions': guard_functions() | join(';\n'), 'facts': guard_facts(), 'settings': guard_settings(table, '{mean}'),
    'attributes': segment_attributes(), 'rendered': rendered
} %}
{%- set asked = tojson(question) %}
{%- if not asked %}
    {{ exceptions.raise_compiler_error(
        'critical: ' ~ table ~ ' could not be guarded: expectations/' ~ table ~ '.yml: a value of the suite is neither'
        ~ ' a text nor a number; a date is to be in quotes'
    ) }}
{%- endif %}

with
answers as (select run_expectations('{{ asked | replace("'", "''") }}') as answer)

select
    case
        when answer ->> 'critical' <> '' then error(answer ->> 'critical')
        else cast(answer ->> 'warnings' as integer)
    end as warnings
from answers

{% elif rendered %}

select {{ said_by_sql(table, rendered) }} as warnings

{% else %}

select 0 as warnings
where false

{% endif %}

{% endtest %}

{#-
    Who judges: Great Expectations, where it is, unless RETENTION_GUARD=sql asks for what other engines do. With
    RETENTION_GUARD=both, both judge, and it is critical where they do not agree.
-#}
{% macro guard_judges() -%}
    {{ return(adapter.dispatch('guard_judges', 'retention_marts')()) }}
{%- endmacro %}

{% macro default__guard_judges() -%}
    {{ return(['sql']) }}
{%- endmacro %}

{% macro duckdb__guard_judges() -%}
    {%- set judges = {
        '': ['great_expectations'], 'sql': ['sql'], 'both': ['great_expectations', 'sql']
    }.get(env_var('RETENTION_GUARD', '')) -%}
    {%- if not judges -%}
        {{ exceptions.raise_compiler_error(
            "RETENTION_GUARD is sql, both or not set, not '" ~ env_var('RETENTION_GUARD') ~ "'"
        ) }}
    {%- endif -%}
    {{ return(judges) }}
{%- endmacro %}

{#-
    Stops before the first model where a raw table has no guard, because its file is gone or says nothing of where the
    table is. Runs on-run-start.
-#}
{% macro check_suites() -%}
    {%- if execute -%}
        {%- set guarded_models = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'test' and node.test_metadata
            and node.test_metadata.name == 'meets_expectations' -%}
            {%- do guarded_models.append(node.test_metadata.kwargs.model) -%}
        {%- endfor -%}
        {%- for table in raw_table_names() -%}
            {%- set kind = raw_tables_are(table) -%}
            {%- set model = {
                'demo': "ref('raw_" ~ table ~ "')",
                'schema': "source('raw', '" ~ table ~ "')",
                'sources': "ref('source_" ~ table ~ "')"
            }.get(kind, "ref('raw_file_" ~ table ~ "')") -%}
            {%- if kind != 'nowhere' and model not in guarded_models | join -%}
                {{ exceptions.raise_compiler_error(
                    'expectations/' ~ table ~ '.yml is missing, or has no test meets_expectations for ' ~ model
                    ~ ': every raw table has a suite'
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The columns that the contract knows of a raw table: those described for it. -#}
{% macro raw_columns(table) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
    {%- for node in (graph.nodes.values() | list) + (graph.sources.values() | list) -%}
        {%- if node.name in ['raw_' ~ table, 'raw_file_' ~ table, 'source_' ~ table]
            or (node.resource_type == 'source' and node.source_name == 'raw' and node.name == table) -%}
            {%- do columns.extend(node.columns.keys()) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
    {{ return(columns | unique | list) }}
{%- endmacro %}

{#- The instants of facts that the default of as_of_date comes from, and that the clock is compared with. -#}
{% macro guard_facts() -%}
    {{ return({'customers': 'created_at', 'subscriptions': 'started_at', 'orders': 'ordered_at'}) }}
{%- endmacro %}

{#- The columns of the one row that suites read as `settings`, and their types. -#}
{% macro guard_settings_types() -%}
    {{ return({
        'raw_table': dbt.type_string(),
        'rows': 'bigint',
        'previous_rows': 'bigint',
        'mean': type_double(),
        'previous_mean': type_double(),
        'earliest': 'timestamp',
        'latest': 'date',
        'next_latest': 'date',
        'compared_facts': 'bigint',
        'as_of_date': 'date',
        'today': 'date',
        'clock': 'date',
        'refused_from': 'timestamp',
        'warned_from': 'timestamp',
        'latest_future_days': 'bigint',
        'reporting_currency': dbt.type_string(),
        'accept_restatement': 'boolean',
        'is_demo': 'boolean'
    }) }}
{%- endmacro %}

{#-
    The query of that row: vars, the clock, the last successful build, and what is measured once, so that several
    expectations do not. `latest` and `next_latest` are the last two days among the ten latest facts, which may be fewer
    or of one day. The mean is SQL, since the column may be missing.
-#}
{% macro guard_settings(table, mean) -%}
    {%- set today = 'null' if raw_tables_are() == 'demo' else business_date(utc_now()) -%}
    {%- set as_of_date = "date '" ~ var('as_of_date') ~ "'" if var('as_of_date') else 'cast(null as date)' -%}
    {%- set future = first_instant(
        'cast(' ~ dbt.dateadd('day', var('latest_future_days') + 1, 'today') ~ ' as timestamp)'
    ) -%}
    with
    clock as (select {{ as_of_date }} as as_of_date, cast({{ today }} as date) as today),

    builds as (
        select
            results.rows_checked,
            results.mean,
            builds.finished_at
        from quality.expectation_results as results
        inner join quality.builds as builds on results.build_id = builds.build_id and builds.has_succeeded
        where results.raw_table = '{{ table }}' and builds.is_demo = {{ raw_tables_are() == 'demo' }}
    ),

    {{ adapter.dispatch('latest_facts', 'retention_marts')(table) }}

    select
        '{{ table }}' as raw_table,
        (select count(*) from {{ table }}) as rows,
        (select rows_checked from builds order by finished_at desc limit 1) as previous_rows,
        {{ mean }} as mean,
        (select mean from builds where mean is not null order by finished_at desc limit 1) as previous_mean,
        earliest,
        latest,
        next_latest,
        compared_facts,
        as_of_date,
        today,
        coalesce(as_of_date, today) as clock,
        case when as_of_date is null then {{ future }} end as refused_from,
        case when as_of_date is not null then {{ future }} end as warned_from,
        {{ var('latest_future_days') }} as latest_future_days,
        {{ reporting_currency() }} as reporting_currency,
        {{ true if var('accept_restatement') else false }} as accept_restatement,
        {{ raw_tables_are() == 'demo' }} as is_demo
    from clock
    cross join latest_facts
{%- endmacro %}

{% macro default__latest_facts(table) -%}
    ten as (
        select cast(fact_at as date) as day
        from facts
        where raw_table = '{{ table }}' and fact_at is not null
        order by fact_at desc
        limit 10
    ),

    latest_facts as (
        select
            (select min(fact_at) from facts where raw_table = '{{ table }}') as earliest,
            max(day) as latest,
            max(case when day < (select max(day) from ten) then day end) as next_latest,
            count(*) as compared_facts
        from ten
    )
{%- endmacro %}

{#- Reads the facts once. -#}
{% macro duckdb__latest_facts(table) -%}
    ten as (
        select min(fact_at) as earliest, max(cast(fact_at as date), 10) as days
        from facts
        where raw_table = '{{ table }}'
    ),

    latest_facts as (
        select
            earliest,
            days[1] as latest,
            list_max(list_filter(days, lambda day: day < days[1])) as next_latest,
            len(days) as compared_facts
        from ten
    )
{%- endmacro %}

{#-
    The rows of a raw table that staging reads: all, minus those that this build has set aside.
    Example: select * from {{ guarded('orders') }}
-#}
{% macro guarded(table) -%}
    {%- set relation = delivered(table) -%}
    {%- set quarantine = adapter.get_relation(target.database, 'quality', 'quarantine') if execute else none -%}
    {%- set is_quarantined = "from quality.quarantine where raw_table = '" ~ table ~ "'" -%}
    {%- if quarantine and run_query('select count(*) ' ~ is_quarantined)[0][0] -%}
        (
            select *
            from (select * from {{ aliased(relation) }}) as delivered
            where {{ row_hash('delivered') }} not in (select row_hash {{ is_quarantined }})
        ) as kept
    {%- else -%}
        {{ aliased(relation) }}
    {%- endif -%}
{%- endmacro %}

{#- A relation as it stands after `from`: what is a query in parentheses has a name there. -#}
{% macro aliased(relation) -%}
    {{ relation | trim }}{{ ' as delivered' if (relation | string | trim).endswith(')') }}
{%- endmacro %}

{#-
    A row as JSON, by the name of its relation.
    Example: row_json('orders')
-#}
{% macro row_json(relation) -%}
    {{ adapter.dispatch('row_json', 'retention_marts')(relation) }}
{%- endmacro %}

{% macro default__row_json(relation) -%}
    to_json({{ relation }})
{%- endmacro %}

{% macro spark__row_json(relation) -%}
    to_json(struct({{ relation }}.*), map('ignoreNullFields', 'false'))
{%- endmacro %}

{#-
    Some columns of a row as JSON, by the name of its relation.
    Example: values_json('orders', ['order_id'])
-#}
{% macro values_json(relation, columns) -%}
    {{ adapter.dispatch('values_json', 'retention_marts')(relation, columns) }}
{%- endmacro %}

{% macro default__values_json(relation, columns) -%}
    (
        select to_json(picked)
        from (
            select
                {%- for name in columns %}
                {{ relation }}.{{ adapter.quote(name) }}{{ ',' if not loop.last }}
                {%- endfor %}
        ) as picked
    )
{%- endmacro %}

{% macro duckdb__values_json(relation, columns) -%}
    to_json({{ '{' }}
        {%- for name in columns -%}
            {{ sql_text(name) }}: {{ relation }}.{{ adapter.quote(name) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    {{ '}' }})
{%- endmacro %}

{% macro spark__values_json(relation, columns) -%}
    to_json(struct(
        {%- for name in columns -%}
            {{ relation }}.{{ adapter.quote(name) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{#- What a row that is set aside is found by in its raw table. -#}
{% macro row_hash(relation) -%}
    md5(cast({{ row_json(relation) }} as {{ dbt.type_string() }}))
{%- endmacro %}

{#- Makes the tables that the guard writes, where they are not there yet. Runs on-run-start. -#}
{% macro create_quality_tables() -%}
    {%- if execute -%}
        {%- do run_query('create schema if not exists quality') -%}
        {%- for name, columns in quality_tables().items() -%}
            {%- do adapter.dispatch('create_quality_table', 'retention_marts')(name, columns) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro quality_tables() -%}
    {%- set text = dbt.type_string() -%}
    {{ return({
        'expectation_results': {
            'build_id': text, 'checked_at': 'timestamp', 'raw_table': text, 'column_name': text, 'expectation': text,
            'description': text, 'severity': text, 'is_success': 'boolean', 'rows_checked': 'bigint',
            'rows_failed': 'bigint', 'samples': text, 'failed_keys': text, 'rows_quarantined': 'bigint',
            'message': text, 'mean': type_double()
        },
        'quarantine': {
            'build_id': text, 'raw_table': text, 'row_key': 'json', 'row_content': 'json', 'reason': text,
            'row_hash': text
        },
        'builds': {'build_id': text, 'finished_at': 'timestamp', 'has_succeeded': 'boolean', 'is_demo': 'boolean'}
    }) }}
{%- endmacro %}

{% macro default__create_quality_table(name, columns) -%}
    {%- set typed = [] -%}
    {%- for column, type in columns.items() -%}
        {%- do typed.append(column ~ ' ' ~ type) -%}
    {%- endfor -%}
    {%- do run_query('create table if not exists quality.' ~ name ~ ' (' ~ typed | join(', ') ~ ')') -%}
    {#- Warehouses of earlier versions have these tables without the columns that came later. -#}
    {%- for column in ['message', 'mean', 'is_demo'] if column in columns -%}
        {%- do run_query(
            'alter table quality.' ~ name ~ ' add column if not exists ' ~ column ~ ' ' ~ columns[column]
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    What the guards write is a table for each raw table, under a view: two that append to one folder of files remove
    each other's. Remarks about sources have theirs, too.
-#}
{% macro spark__create_quality_table(name, columns) -%}
    {%- set typed, parts = [], [name] -%}
    {%- for column, type in columns.items() -%}
        {%- do typed.append(column ~ ' ' ~ ('string' if type == 'json' else type)) -%}
    {%- endfor -%}
    {%- if name != 'builds' -%}
        {%- set parts = (raw_table_names() + ['sources']) | map('replace', '', name ~ '_', 1) | list -%}
    {%- endif -%}
    {%- for part in parts -%}
        {%- do run_query(
            'create table if not exists quality.' ~ part ~ ' (' ~ typed | join(', ') ~ ') using parquet'
        ) -%}
    {%- endfor -%}
    {%- if name != 'builds' -%}
        {%- do run_query(
            'create or replace view quality.' ~ name ~ ' as select * from quality.'
            ~ parts | join(' union all select * from quality.')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Writes rows of one raw table into a table that the guards write; `anew`: in place of those that were there. -#}
{% macro write_quality(name, table, query, anew=false) -%}
    {%- do adapter.dispatch('write_quality', 'retention_marts')(name, table, query, anew) -%}
{%- endmacro %}

{% macro default__write_quality(name, table, query, anew) -%}
    {%- if anew -%}
        {%- do run_query('delete from quality.' ~ name ~ " where raw_table = '" ~ table ~ "'") -%}
    {%- endif -%}
    {%- do run_query('insert into quality.' ~ name ~ ' ' ~ query) if query -%}
{%- endmacro %}

{% macro spark__write_quality(name, table, query, anew) -%}
    {%- set part = 'quality.' ~ name ~ '_' ~ table -%}
    {%- do run_query('truncate table ' ~ part) if anew -%}
    {%- do run_query('insert into ' ~ part ~ ' ' ~ query) if query -%}
{%- endmacro %}

{#- Says once more, in words, what made the guard warn: dbt's summary only counts. Runs on-run-end. -#}
{% macro repeat_warnings() -%}
    {%- if execute and flags.WHICH in ['build', 'test'] -%}
        {%- set warnings -%}
            select message
            from quality.expectation_results
            where build_id = '{{ invocation_id }}' and message like 'warning: %'
            order by message
        {%- endset -%}
        {%- for line in run_query(warnings).columns[0].values() -%}
            {%- do log(line, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
