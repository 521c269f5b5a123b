{% macro spark__check_profile() -%}
    {%- set zone = run_query('select current_timezone()')[0][0] -%}
    {%- if zone not in ['UTC', 'Etc/UTC'] -%}
        {{ exceptions.raise_compiler_error(
            "The output '" ~ target.name ~ "' needs spark.sql.session.timeZone: UTC; its time zone is " ~ zone ~ '.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{#-
    A schema per build, which nobody writes to again, and views that point into it. Each view changes in one step, all of
    them in a moment; the last is `published`. The schemas of the last three builds are kept, so that who reads one goes
    on reading, and those of builds that were killed in here are removed.
-#}
{% macro spark__publish(build, facts) -%}
    {%- set schema = marts_schema() -%}
    {%- set kept = schema ~ '_' ~ run_started_at.strftime('%Y%m%d_%H%M%S') ~ '_' ~ build.build_id[:8] -%}
    {%- do run_query('create schema ' ~ kept) -%}
    {%- for mart in build.marts -%}
        {%- do run_query(
            'create table ' ~ kept ~ '.' ~ mart.name ~ ' using parquet as select * from ' ~ mart.relation
        ) -%}
    {%- endfor -%}
    {%- do run_query('create table ' ~ kept ~ '.published using parquet as ' ~ published_rows(build, facts)) -%}

    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- for mart in build.marts -%}
        {%- do create_spark_view(
            schema, mart.name, 'select * from ' ~ kept ~ '.' ~ mart.name, mart.description, mart.columns
        ) -%}
    {%- endfor -%}
    {%- set layout = 'What readers have: see published. Layout ' ~ local_md5(tojson([build.marts, build.views])) -%}
    {%- if layout not in run_query('describe schema extended ' ~ schema).columns[1].values() -%}
        {%- for view in build.views -%}
            {%- do run_query('create schema if not exists ' ~ view.schema) -%}
            {%- do create_spark_view(view.schema, view.name, view.select, view.comment, view.columns) -%}
        {%- endfor -%}
        {%- do run_query('comment on schema ' ~ schema ~ ' is ' ~ sql_text(layout)) -%}
    {%- endif -%}
    {%- do run_query('create or replace view ' ~ schema ~ '.published as select * from ' ~ kept ~ '.published') -%}
    {%- do remove_old_builds(kept) -%}
{%- endmacro %}

{#- Creates or replaces a view with its comments. -#}
{% macro create_spark_view(schema, name, select, description, columns) -%}
    {%- set described = [] -%}
    {%- for column, said in columns.items() -%}
        {%- do described.append(column ~ (' comment ' ~ sql_text(said | trim) if said else '')) -%}
    {%- endfor -%}
    {%- do run_query(
        'create or replace view ' ~ schema ~ '.' ~ name ~ ' (' ~ described | join(', ') ~ ') comment '
        ~ sql_text(description | trim) ~ ' as ' ~ select
    ) -%}
{%- endmacro %}

{% macro remove_old_builds(current) -%}
    {%- set whole = [] -%}
    {%- set schemas = run_query("show schemas like '" ~ marts_schema() ~ "_*'").columns[0].values() | sort -%}
    {%- for schema in schemas -%}
        {%- if run_query('show tables in ' ~ schema ~ " like 'published'") | length -%}
            {%- do whole.append(schema) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for schema in schemas if schema not in whole[-3:] and schema != current -%}
        {%- do run_query('drop schema ' ~ schema ~ ' cascade') -%}
    {%- endfor -%}
{%- endmacro %}

{% macro spark__restore_published() -%}
    {%- set schemas = run_query("show schemas like '" ~ marts_schema() ~ "_*'").columns[0].values() | sort -%}
    {{ return(said([
        'Nothing is restored: the views that readers have are not switched back. The last builds are kept in the schemas '
        ~ schemas | join(', ') ~ '. ' ~ readers_keep()
    ], fails=true)) }}
{%- endmacro %}
