{#- A build has started: stops it where it could not be published. Runs on-run-start; see plugins/publication.py. -#}
{% macro open_publication() -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set answer = ask_publication('open_publication', invocation_id) -%}
        {%- if answer.fails -%}
            {{ exceptions.raise_compiler_error(answer.line) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#-
    A build has ended: publishes the public models if every node of the project is in the results and passed, and prints
    one line either way. Runs on-run-end, as SQL that fails where a build that passed cannot be published.
-#}
{% macro close_publication(results) -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set expected, marts, failed, skipped, built = [], [], [], [], [] -%}
        {%- for result in results -%}
            {%- do built.append(result.node.unique_id) -%}
            {%- if result.status | string == 'skipped' -%}
                {%- do skipped.append(result.node.name) -%}
            {%- elif result.status | string not in ['success', 'pass', 'warn', 'no-op'] -%}
                {%- do failed.append(result.node.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values() if node.resource_type in ['seed', 'model', 'snapshot', 'test'] -%}
            {#- The graph keeps a test whose own config disables it. -#}
            {%- if node.config.enabled and node.config.materialized != 'ephemeral' -%}
                {%- do expected.append(node.unique_id) -%}
            {%- endif -%}
            {%- if node.access == 'public' -%}
                {%- set described = {} -%}
                {%- for column in node.columns.values() -%}
                    {%- do described.update({column.name: column.description}) -%}
                {%- endfor -%}
                {%- do marts.append({
                    'name': node.alias, 'relation': node.relation_name, 'description': node.description,
                    'columns': described
                }) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set clock = graph.nodes.values() | selectattr('name', 'equalto', 'int_as_of_date') | first -%}
        {%- set answer = ask_publication('close_publication', {
            'build_id': invocation_id,
            'marts': marts,
            'as_of_date': clock.relation_name,
            'failed': failed + skipped,
            'expected': expected | length,
            'missing': expected | reject('in', built) | list | length,
            'selected': is_selection(),
            'is_demo': raw_tables_are() == 'demo',
            'empty': true if invocation_args_dict.get('empty') or invocation_args_dict.get('sample') else false
        }) -%}
        {%- if answer.fails -%}
            select error('{{ answer.line | replace("'", "''") }}')
        {%- else -%}
            {%- do log(answer.line, info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether a flag leaves out a part of the project. Unit tests are not in the graph, so that only the flags tell. -#}
{% macro is_selection() -%}
    {%- set given = [] -%}
    {%- for flag in ['select', 'exclude', 'selector', 'resource_types', 'exclude_resource_types'] -%}
        {%- if invocation_args_dict.get(flag) -%}
            {%- do given.append(flag) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(given | length > 0) }}
{%- endmacro %}

{#- What this build changes in published numbers of the marts that a model refers to. A hook before that model. -#}
{% macro compare_with_published(model) -%}
    {%- if execute -%}
        {%- set marts = {} -%}
        {%- for id in model.depends_on.nodes -%}
            {%- do marts.update({graph.nodes[id].alias: graph.nodes[id].relation_name}) -%}
        {%- endfor -%}
        {%- set answer = ask_publication(
            'compare_with_published', {'marts': marts, 'is_demo': raw_tables_are() == 'demo'}
        ) -%}
        {%- if answer.line -%}
            {%- do log(answer.line, info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The answer of a function of the plugin: `line`, what to print, and `fails`, whether the build must fail. -#}
{% macro ask_publication(function, argument) -%}
    {%- set call = 'select ' ~ function ~ "('" ~ tojson(argument) | replace("'", "''") ~ "')" -%}
    {{ return(fromjson(run_query(call).columns[0][0])) }}
{%- endmacro %}
