{% macro postgres__check_profile() -%}
    {%- set found = run_query(
        "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding"
    )[0] -%}
    {%- if found[0] | int < 150000 or found[1] != 'UTF8' -%}
        {{ exceptions.raise_compiler_error(
            "The output '" ~ target.name ~ "' needs PostgreSQL 15 or later and a database in UTF8; this is version "
            ~ found[0] ~ ' in ' ~ found[1] ~ '.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Whose turn it is stands in the one row of quality.turn. A build that has ended takes its row away; of one that was
    killed the row stays, and no connection is left that has its id in its name (see profiles.yml). Between two nodes a
    build may have none for a moment, hence the second look, and the third.
-#}
{% macro postgres__take_turn() -%}
    {%- do run_query("
        begin;
        select pg_advisory_xact_lock(hashtext('retention_marts'));
        create schema if not exists quality;
        create table if not exists quality.turn (build_id text, since timestamp);
        do $take$
        declare
            other record;
        begin
            select * into other from quality.turn where build_id <> '" ~ invocation_id ~ "';
            for look in 1..30 loop
                exit when other is null;
                perform pg_stat_clear_snapshot();
                if exists (
                    select from pg_stat_activity
                    where datname = current_database() and application_name = 'retention_marts ' || other.build_id
                ) then
                    raise exception 'Another process is at work on this database: build %, since % UTC. Start again when it has ended.',
                        left(other.build_id, 8), to_char(other.since, 'HH24:MI:SS');
                end if;
                perform pg_sleep(0.1);
            end loop;
            delete from quality.turn;
            insert into quality.turn values ('" ~ invocation_id ~ "', timezone('UTC', now()));
        end
        $take$;
        commit;
    ") -%}
{%- endmacro %}

{% macro postgres__end_turn() -%}
    {%- if load_relation(api.Relation.create(database=target.database, schema='quality', identifier='turn')) -%}
        {%- do run_query("delete from quality.turn where build_id = '" ~ invocation_id ~ "'") -%}
    {%- endif -%}
{%- endmacro %}

{#- Statements that fail unless it is still this build's turn, and that nobody takes it until the transaction ends. -#}
{% macro assert_turn() -%}
    do $turn$
    begin
        perform from quality.turn where build_id = '{{ invocation_id }}' for share;
        if not found then
            raise exception 'Another process has begun to build on this database: this one stops.';
        end if;
    end
    $turn$;
{%- endmacro %}

{#-
    All in one transaction, and by delete and insert: what readers have is rows, and whoever is reading goes on seeing the
    old ones. A table that is new, truncated or renamed would be empty to a transaction that began before. So tables are
    made anew only where their columns are others, and views and comments only where any of them is another one.
-#}
{% macro postgres__publish(build, facts) -%}
    {%- set schema = marts_schema() -%}
    {%- set columns = published_columns(build.marts) -%}
    {%- set layout = local_md5(tojson([build.marts, build.views])) -%}
    {%- set found = run_query("select obj_description(to_regnamespace('" ~ schema ~ "'), 'pg_namespace')")[0][0] -%}
    {%- set is_laid_out = (found or '').endswith(layout) and not columns.others -%}
    {%- set script -%}
        begin;
        set local timezone = 'UTC';
        {{ assert_turn() }}
        create schema if not exists {{ schema }};
        {%- for mart in build.marts %}
            {%- if mart.name in columns.others %}
                drop table if exists {{ schema }}.{{ mart.name }} cascade;
                create table {{ schema }}.{{ mart.name }} (like {{ mart.relation }});
            {%- else %}
                delete from {{ schema }}.{{ mart.name }};
            {%- endif %}
            insert into {{ schema }}.{{ mart.name }} select * from {{ mart.relation }};
        {%- endfor %}
        {%- for name in columns.gone %}
            drop table {{ schema }}.{{ name }} cascade;
        {%- endfor %}
        {%- if is_laid_out %}
            delete from {{ schema }}.published;
            insert into {{ schema }}.published {{ published_rows(build, facts) }};
        {%- else %}
            drop table if exists {{ schema }}.published;
            create table {{ schema }}.published as {{ published_rows(build, facts) }};
            {{ lay_out(build.marts, build.views) }}
            comment on schema {{ schema }} is 'What readers have: see the table published. Layout {{ layout }}';
        {%- endif %}
        commit;
    {%- endset -%}
    {%- do run_query(script) -%}
{%- endmacro %}

{#- The published tables: `others` that are missing or have other columns than the marts, `gone` that are no mart now. -#}
{% macro published_columns(marts) -%}
    {%- set query -%}
        select
            pg_class.oid::regclass::text,
            string_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull, ', ' order by attnum)
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        where attnum > 0 and not attisdropped and (
            relnamespace = to_regnamespace('{{ marts_schema() }}') and relkind = 'r'
            {%- for mart in marts %}
            or attrelid = to_regclass('{{ mart.relation }}')
            {%- endfor %}
        )
        group by pg_class.oid
    {%- endset -%}
    {%- set types, others, names = {}, [], ['published'] -%}
    {%- for relation, columns in run_query(query).rows -%}
        {%- do types.update({relation: columns}) -%}
    {%- endfor -%}
    {%- for mart in marts -%}
        {%- do names.append(mart.name) -%}
        {%- if types[mart.relation.split('.')[1:] | join('.') | replace('"', '')] != types.get(marts_schema() ~ '.' ~ mart.name) -%}
            {%- do others.append(mart.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set gone = [] -%}
    {%- for relation in types if relation.startswith(marts_schema() ~ '.') and relation.split('.')[1] not in names -%}
        {%- do gone.append(relation.split('.')[1]) -%}
    {%- endfor -%}
    {{ return({'others': others, 'gone': gone}) }}
{%- endmacro %}

{#- Statements: comments of the published tables, and the views per grain, which are known by their comment. -#}
{% macro lay_out(marts, views) -%}
    {%- for mart in marts %}
        {{ comments('table', marts_schema(), mart.name, mart.description, mart.columns) }}
    {%- endfor %}
    do $views$
    declare
        old regclass;
    begin
        for old in
            select oid
            from pg_class
            where relkind = 'v' and obj_description(oid, 'pg_class') like 'Rows of % with period_grain %'
        loop
            execute format('drop view if exists %s cascade', old);
        end loop;
    end
    $views$;
    {%- for view in views %}
        create schema if not exists {{ adapter.quote(view.schema) }};
        create view {{ adapter.quote(view.schema) }}.{{ view.name }} as {{ view.select }};
        {{ comments('view', adapter.quote(view.schema), view.name, view.comment, view.columns) }}
    {%- endfor %}
{%- endmacro %}

{% macro comments(kind, schema, name, description, columns) -%}
    comment on {{ kind }} {{ schema }}.{{ name }} is {{ sql_text(description | trim) }};
    {%- for column, said in columns.items() if said %}
        comment on column {{ schema }}.{{ name }}.{{ column }} is {{ sql_text(said | trim) }};
    {%- endfor %}
{%- endmacro %}
