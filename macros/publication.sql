{#- Stops where the output of the profile is not one that the project can be built on. The first on-run-start hook. -#}
{% macro check_profile() -%}
    {%- if execute -%}
        {{ adapter.dispatch('check_profile', 'retention_marts')() }}
    {%- endif -%}
{%- endmacro %}

{% macro default__check_profile() -%}
    {{ exceptions.raise_compiler_error(
        'The project is written for DuckDB, PostgreSQL and Spark, not for ' ~ target.type ~ ' yet.'
    ) }}
{%- endmacro %}

{#-
    Stops where the profile does not load the plugins, or would read a time without an offset by the machine's clock, and
    says which lines are needed.
-#}
{% macro duckdb__check_profile() -%}
        {%- set is_fit -%}
            select count(distinct function_name) = 2 and current_setting('TimeZone') in ('UTC', 'Etc/UTC')
            from duckdb_functions()
            where function_name in ('run_expectations', 'close_publication')
        {%- endset -%}
        {%- if not run_query(is_fit).columns[0][0] -%}
            {{ exceptions.raise_compiler_error(
                "The profile '" ~ target.profile_name ~ "', output '" ~ target.name ~ "', does not load what guards and"
                ~ " publishes the marts, or its time zone is not UTC. That output needs these lines in profiles.yml:\n"
                ~ profile_lines()
            ) }}
        {%- endif -%}
{%- endmacro %}

{#- What an output of a profile needs: this project may be the one that is built, or a package of it. -#}
{% macro profile_lines() -%}
{% raw %}
      type: duckdb
      path: "{{ env_var('RETENTION_WAREHOUSE', 'warehouse.duckdb') }}"
      settings: {TimeZone: UTC}
      module_paths: [., dbt_packages/retention_marts]
      plugins:
        - {module: plugins.guard, alias: guard}
        - module: plugins.publication
          alias: publication
          config:
            marts: "{{ env_var('RETENTION_MARTS', 'marts.duckdb') }}"
            parquet: "{{ env_var('RETENTION_PARQUET', '') }}"
{% endraw %}
{%- endmacro %}

{#- A build has started: stops it where it could not be published. Runs on-run-start; see plugins/publication.py. -#}
{% macro open_publication() -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- do ask_publication(
            'open_publication', {'build_id': invocation_id, 'is_demo': raw_tables_are() == 'demo'}
        ) -%}
    {%- endif -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- do take_turn() -%}
    {%- endif -%}
{%- endmacro %}

{#- Stops where another process builds on the same database, and keeps others out until end_turn. -#}
{% macro take_turn() -%}
    {%- do adapter.dispatch('take_turn', 'retention_marts')() -%}
{%- endmacro %}

{#- DuckDB locks its file, see plugins/publication.py. Spark knows no locks. -#}
{% macro default__take_turn() -%}
{%- endmacro %}

{% macro end_turn() -%}
    {%- do adapter.dispatch('end_turn', 'retention_marts')() -%}
{%- endmacro %}

{% macro default__end_turn() -%}
{%- endmacro %}

{#-
    A build has ended: publishes the public models if every seed, model and data test is in the results and passed, and
    remembers it, so that expectations can compare with the last good build. Says why where it is not published; that is
    an error with RETENTION_MUST_PUBLISH=1, for who runs it unattended. Runs on-run-end, as SQL that may fail.
    In a project that has this one as a package, its own models and the tests of these do not count.
-#}
{% macro close_publication(results) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] -%}
        {%- set expected, built, failed, skipped = publication_nodes(), [], [], [] -%}
        {%- for result in results if result.node.package_name == 'retention_marts'
            or result.node.unique_id in expected -%}
            {%- do built.append(result.node.unique_id) -%}
            {%- if result.status | string == 'skipped' -%}
                {%- do skipped.append(result.node.name) -%}
            {%- elif result.status | string not in ['success', 'pass', 'warn', 'no-op'] -%}
                {%- do failed.append(result.node.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set missing = expected | reject('in', built) | list | length -%}
        {%- set is_whole = flags.WHICH == 'build' and not (failed or skipped or missing) -%}
        {%- set publication = ask_publication('close_publication', {
            'build_id': invocation_id,
            'command': flags.WHICH,
            'is_retry': ' retry' in (flags.INVOCATION_COMMAND or ''),
            'marts': public_marts(period_grains() if is_whole else []),
            'views': readers_views(marts_schema()) if is_whole else [],
            'as_of_date': as_of_date_relation(),
            'failed': failed + skipped,
            'expected': expected | length,
            'missing': missing,
            'is_demo': raw_tables_are() == 'demo',
            'is_root': project_name == 'retention_marts',
            'vars': vars_in_use(),
            'empty': true if invocation_args_dict.get('empty') or invocation_args_dict.get('sample') else false
        }, stops=false) -%}
        {%- do end_turn() -%}
        {%- if publication.fails
            or (not publication.published and env_var('RETENTION_MUST_PUBLISH', '') not in ['', '0', 'false']) -%}
            {{ failure(publication.lines | join('\n')) }}
        {%- else -%}
            {%- for line in publication.lines -%}
                {#- Only what is printed is seen with --quiet. -#}
                {%- if flags.QUIET and not publication.published -%}
                    {%- do print(line) -%}
                {%- else -%}
                    {%- do log(line, info=true) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if flags.WHICH == 'build' -%}
                insert into quality.builds values (
                    '{{ invocation_id }}', {{ utc_now() }}, {{ publication.published }},
                    {{ raw_tables_are() == 'demo' }}
                )
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Gives readers the file back that was published before, and forgets the build it replaces. For dbt run-operation. -#}
{% macro restore_publication() -%}
    {%- do check_profile() -%}
    {%- set answer = ask_publication('restore_publication', none) -%}
    {%- for line in answer.lines -%}
        {%- do log(line, info=true) -%}
    {%- endfor -%}
    {%- do create_quality_tables() -%}
    {%- do run_query(
        "update quality.builds set has_succeeded = (build_id = '" ~ answer.restored ~ "')"
        ~ " where build_id in ('" ~ answer.restored ~ "', '" ~ answer.replaced ~ "')"
    ) -%}
{%- endmacro %}

{#-
    The ids of the nodes that must have passed: the seeds, models and snapshots of this project, and the data tests of
    this project or on its nodes. The graph keeps a test whose own config disables it; unit tests are not in it.
-#}
{% macro publication_nodes() -%}
    {%- set ours, expected = [], [] -%}
    {%- for node in graph.nodes.values() if node.package_name == 'retention_marts' -%}
        {%- do ours.append(node.unique_id) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.config.enabled and node.config.materialized != 'ephemeral' -%}
        {%- set looked_at = [node.attached_node] if node.attached_node else node.depends_on.nodes -%}
        {%- if node.resource_type in ['seed', 'model', 'snapshot'] and node.unique_id in ours
            or node.resource_type == 'test' and (node.unique_id in ours or looked_at | select('in', ours) | list) -%}
            {%- do expected.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(expected) }}
{%- endmacro %}

{#- The public models of this project: name, relation, and in words what they and their columns are. -#}
{% macro public_marts(grains) -%}
    {%- set marts = [] -%}
    {%- for node in readers_marts() -%}
        {%- set described = {} -%}
        {%- for column in node.columns.values() -%}
            {%- do described.update({column.name: column.description}) -%}
        {%- endfor -%}
        {%- do marts.append({
            'name': node.alias,
            'relation': node.relation_name,
            'description': node.description | trim ~ how_to_read(node, grains),
            'columns': described
        }) -%}
    {%- endfor -%}
    {{ return(marts) }}
{%- endmacro %}

{#- What this build changes in published numbers of the marts that a model refers to. A hook before that model. -#}
{% macro compare_with_published(model) -%}
    {%- if execute -%}
        {%- set marts = [] -%}
        {%- for id in model.depends_on.nodes -%}
            {%- set mart = graph.nodes[id] -%}
            {%- do marts.append({'name': mart.alias, 'relation': mart.relation_name, 'keys': key_columns(id)}) -%}
        {%- endfor -%}
        {%- set answer = ask_publication('compare_with_published', {
            'build_id': invocation_id,
            'marts': marts,
            'as_of_date': as_of_date_relation(),
            'is_demo': raw_tables_are() == 'demo',
            'vars': vars_in_use()
        }) -%}
        {%- for line in answer.lines -%}
            {%- do log(line, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The columns of the uniqueness test of a model; none where it has no such test. -#}
{% macro key_columns(model_id) -%}
    {%- set keys = [] -%}
    {%- for test in graph.nodes.values() if test.attached_node == model_id and test.test_metadata -%}
        {%- if test.test_metadata.name == 'unique_combination' -%}
            {%- do keys.extend(test.test_metadata.kwargs.columns) -%}
        {%- elif test.test_metadata.name == 'unique' -%}
            {%- do keys.append(test.column_name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keys | unique | list) }}
{%- endmacro %}

{#- The relation with the one row as_of_date. -#}
{% macro as_of_date_relation() -%}
    {{ return((graph.nodes.values() | selectattr('name', 'equalto', 'int_as_of_date') | first).relation_name) }}
{%- endmacro %}

{#- The vars that the build runs with, set or not, as JSON can hold them: YAML makes a date of 2024-07-01. -#}
{% macro vars_in_use() -%}
    {%- set values = {} -%}
    {%- for name in known_vars() -%}
        {%- set value = var(name) -%}
        {%- set is_plain = value is none or value is boolean or value is number or value is iterable -%}
        {%- do values.update({name: value if is_plain else value | string}) -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

{#-
    The answer of a function of the plugin, or of the macros that do the same where readers read the same database
    (macros/publication_in_database.sql): `lines`, what to print, and `fails`, whether dbt must fail, which it does
    here and now unless the caller says otherwise.
-#}
{% macro ask_publication(function, argument, stops=true) -%}
    {%- set answer = adapter.dispatch('publication_answer', 'retention_marts')(function, argument) -%}
    {%- if answer.fails and stops -%}
        {{ exceptions.raise_compiler_error(answer.lines | join('\n  ')) }}
    {%- endif -%}
    {{ return(answer) }}
{%- endmacro %}

{% macro duckdb__publication_answer(function, argument) -%}
    {%- set call = 'select ' ~ function ~ "('" ~ tojson(argument) | replace("'", "''") ~ "')" -%}
    {{ return(fromjson(run_query(call).columns[0][0])) }}
{%- endmacro %}

{#- The schema in which readers find the marts. -#}
{% macro marts_schema() -%}
    {{ return(adapter.dispatch('marts_schema', 'retention_marts')()) }}
{%- endmacro %}

{% macro default__marts_schema() -%}
    {{ return('published') }}
{%- endmacro %}

{% macro duckdb__marts_schema() -%}
    {{ return('main') }}
{%- endmacro %}

{#- What a hook is whose failure ends dbt with 1 and these words. -#}
{% macro failure(words) -%}
    {{ adapter.dispatch('failure', 'retention_marts')(words) }}
{%- endmacro %}

{% macro default__failure(words) -%}
    {{ exceptions.raise_compiler_error(words) }}
{%- endmacro %}

{% macro duckdb__failure(words) -%}
    select error({{ sql_text(words) }})
{%- endmacro %}

{% macro postgres__failure(words) -%}
    do $failure$ begin raise exception using message = {{ sql_text(words) }}; end $failure$
{%- endmacro %}

{#- A query would not be run: of a hook nobody fetches the rows. -#}
{% macro spark__failure(words) -%}
    declare or replace variable not_published string default raise_error({{ sql_text(words) }})
{%- endmacro %}
