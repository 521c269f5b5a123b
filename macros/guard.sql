{#-
    The data test that guards a raw table: its suite expectations/<table>.yml. What is critical is an error, so that
    everything downstream is skipped; what is a warning makes dbt warn with the number of expectations that failed.
-#}
{% test meets_expectations(model, table) %}

{{ config(
    severity = 'warn',
    fail_calc = 'coalesce(sum(warnings), 0)',
    warn_if = '> 0 /* each is an expectation of expectations/' ~ table ~ '.yml, named above */'
) }}

{#- Ahead of the branch: a dry run is parsed, too, and the next run does not parse again. -#}
{% set relations, columns = {}, {} %}
{% for name in raw_table_names() %}
    {% do relations.update({name: delivered(name) | string | trim}) %}
    {% do columns.update({name: raw_columns(name)}) %}
{% endfor %}

{% if flags.EMPTY %}

select 0 as warnings
where false

{% else %}

{%- set question = {
    'table': table, 'relations': relations, 'columns': columns, 'build_id': invocation_id,
    'functions': guard_functions(), 'settings': guard_settings(table), 'attributes': segment_attributes()
} %}

with
answers as (select run_expectations('{{ tojson(question) | replace("'", "''") }}') as answer)

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
        {%- if node.name in ['raw_' ~ table, 'raw_file_' ~ table, 'source_' ~ table]
            or (node.resource_type == 'source' and node.source_name == 'raw' and node.name == table) -%}
            {%- do columns.extend(node.columns.keys()) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
    {{ return(columns | unique | list) }}
{%- endmacro %}

{#-
    What the SQL of a suite may call, beside the raw tables by their names, the one-row table `settings`, and the views
    `facts` and `segment_values`. An instant, end or number is what staging makes of it, null where it is none.
-#}
{% macro guard_functions() -%}
    create or replace temp macro as_instant(x) as try({{ instant('x') }});
    create or replace temp macro as_end(x) as try({{ end_instant('x') }});
    create or replace temp macro as_date(x) as try({{ business_date(instant('x')) }});
    create or replace temp macro as_local(x) as try({{ reporting_time(instant('x')) }});
    create or replace temp macro as_text(x) as {{ plain_text('x') }};
    -- Of a column: false where no two values can differ only by case or blanks. Much cheaper than as_text of each.
    create or replace temp macro may_differ_only_by_spelling(x) as
        bool_or(lower(cast(x as varchar)) <> cast(x as varchar))
        and bool_or(upper(cast(x as varchar)) <> cast(x as varchar))
        or bool_or(
            regexp_matches(cast(x as varchar), '^[' || {{ blanks() }} || ']|[' || {{ blanks() }} || ']$')
        );
    create or replace temp macro is_known(x) as
        coalesce(as_date(x) < (select as_of_date from settings), true);
    create or replace temp macro as_number(x) as
        case when typeof(x) <> 'BOOLEAN' then try_cast(x as decimal(38, 10)) end;
    create or replace temp macro is_whole_number(x) as
        coalesce(as_number(x) = try_cast(x as bigint), false);
    create or replace temp macro is_instant(x) as
        try_cast(x as timestamp) is not null
        and (
            typeof(x) <> 'VARCHAR'
            or not regexp_matches(cast(x as varchar), ':.*[-+a-yA-Y]')
            or regexp_matches(cast(x as varchar), '^[^:]*:[^-+a-zA-Z]*( UTC|[+]00(:00)?)$')
        );
    create or replace temp macro reads_like_missing(x) as
        cast(x as varchar) in (
            {%- for word in [
                'nan', '-nan', 'nat', 'null', '<null>', '(null)', '[null]', 'none', '<none>', '(none)', 'nil', 'na',
                '<na>', 'n/a', '#na', '#n/a', '#n/a n/a', 'undefined', 'missing', 'unknown', '(blank)'
            ] %}
            '{{ word }}', '{{ word | upper }}', '{{ word | capitalize }}',
            {%- endfor %}
            'NaN', '-NaN', 'NaT', '1.#IND', '-1.#IND', '1.#QNAN', '-1.#QNAN', '\N', '-', '--', '?', '', ' ', chr(9),
            chr(160)
        );
{%- endmacro %}

{#- The query of the one row that suites read as `settings`, beside what the guard measures itself. -#}
{% macro guard_settings(table) -%}
    {%- set today = 'null' if raw_tables_are() == 'demo' else business_date('cast(now() as timestamp)') -%}
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
    )

    select
        as_of_date,
        today,
        coalesce(as_of_date, today) as clock,
        case when as_of_date is null then {{ future }} end as refused_from,
        case when as_of_date is not null then {{ future }} end as warned_from,
        {{ var('latest_future_days') }} as latest_future_days,
        {{ reporting_currency() }} as reporting_currency,
        [{{ text_list(countable_statuses()) }}] as countable_order_statuses,
        (select max_by(rows_checked, finished_at) from builds) as previous_rows,
        (select max_by(mean, finished_at) from builds) as previous_mean,
        {{ true if var('accept_restatement') else false }} as accept_restatement,
        {{ raw_tables_are() == 'demo' }} as is_demo
    from clock
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
            from (select * from {{ relation }}) as delivered
            where md5(cast(to_json(delivered) as varchar)) not in (select row_hash {{ is_quarantined }})
        ) as kept
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
    alter table quality.expectation_results add column if not exists mean double precision;
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
