{#-
    The data test that guards a raw table: its suite expectations/<table>.yml. What is critical is an error, so that
    everything downstream is skipped; what is a warning makes dbt warn with the number of expectations that failed.
-#}
{% test meets_expectations(model, table) %}

{{ config(severity = 'warn', fail_calc = 'coalesce(sum(warnings), 0)') }}

{#- Ahead of the branch: a dry run is parsed, too, and the next run does not parse again. -#}
{% set relations = {} %}
{% for name in raw_table_names() %}
    {% do relations.update({name: raw(name) | string | trim}) %}
{% endfor %}

{% if flags.EMPTY %}

select 0 as warnings
where false

{% else %}

with
answers as (
    select
        run_expectations(
            '{{ table }}',
            '{{ tojson(relations) | replace("'", "''") }}',
            '{{ tojson(raw_columns(table)) }}',
            '{{ guard_settings(table) | replace("'", "''") }}',
            '{{ invocation_id }}'
        ) as answer
)

select
    case
        when answer ->> 'critical' <> '' then error(answer ->> 'critical')
        else cast(answer ->> 'warnings' as integer)
    end as warnings
from answers

{% endif %}

{% endtest %}

{#- The columns that the contract knows of a raw table: those described for it. -#}
{% macro raw_columns(table) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
    {%- for node in (graph.nodes.values() | list) + (graph.sources.values() | list) -%}
        {%- if node.name in ['raw_' ~ table, 'raw_file_' ~ table]
            or (node.resource_type == 'source' and node.source_name == 'raw' and node.name == table) -%}
            {%- do columns.extend(node.columns.keys()) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
    {{ return(columns | unique | list) }}
{%- endmacro %}

{#- The query of the one-row view `settings`, which suites may read beside the raw tables. -#}
{% macro guard_settings(table) -%}
    select
        cast({{ "'" ~ var('as_of_date') ~ "'" if var('as_of_date') else 'null' }} as date) as as_of_date,
        '{{ var('reporting_currency') }}' as reporting_currency,
        '{{ var('reporting_timezone') }}' as reporting_timezone,
        [{{ text_list(var('countable_order_statuses')) }}] as countable_order_statuses,
        (
            select max_by(results.rows_checked, builds.finished_at)
            from quality.expectation_results as results
            inner join quality.builds as builds on results.build_id = builds.build_id and builds.has_succeeded
            where results.raw_table = '{{ table }}' and builds.is_demo = {{ raw_tables_are() == 'demo' }}
        ) as previous_rows
{%- endmacro %}

{#-
    The rows of a raw table that staging reads: all, less those that this build has set aside.
    Example: select * from {{ guarded('orders') }}
-#}
{% macro guarded(table) -%}
    {%- set relation = raw(table) -%}
    {%- set quarantine = adapter.get_relation(target.database, 'quality', 'quarantine') if execute else none -%}
    {%- set is_quarantined = "from quality.quarantine where raw_table = '" ~ table ~ "'" -%}
    {%- if quarantine and run_query('select count(*) ' ~ is_quarantined)[0][0] -%}
        (
            select *
            from {{ relation }} as delivered
            where md5(cast(to_json(delivered) as varchar)) not in (select row_hash {{ is_quarantined }})
        )
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- Makes the tables that the guard writes, where they are not there yet. Runs on-run-start. -#}
{% macro create_quality_tables() -%}
    create schema if not exists quality;
    create table if not exists quality.expectation_results (
        build_id varchar, checked_at timestamp, raw_table varchar, column_name varchar, expectation varchar,
        description varchar, severity varchar, is_success boolean, rows_checked bigint, rows_failed bigint,
        samples varchar, failed_keys varchar, rows_quarantined bigint
    );
    create table if not exists quality.quarantine (
        build_id varchar, raw_table varchar, row_key json, row_content json, reason varchar, row_hash varchar
    );
    create table if not exists quality.builds (build_id varchar, finished_at timestamp, has_succeeded boolean);
    -- Warehouses of earlier versions have these tables without the columns that came later.
    alter table quality.builds add column if not exists is_demo boolean;
    alter table quality.expectation_results add column if not exists message varchar;
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
