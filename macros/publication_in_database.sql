{#-
    Publication where readers read the database that dbt works in: they have a schema of their own, `published`. These
    macros answer what plugins/publication.py answers on DuckDB, in the same words; what differs from engine to engine is
    `take_turn`, `end_turn` and `publish`.
-#}
{% macro default__publication_answer(function, argument) -%}
    {%- set functions = {
        'check_var_names': unknown_vars,
        'open_publication': open_in_database,
        'compare_with_published': keyless_marts,
        'close_publication': close_in_database,
        'restore_publication': restore_in_database
    } -%}
    {{ return(functions[function](argument)) }}
{%- endmacro %}

{#- An answer without its empty lines. -#}
{% macro said(lines, fails=false, published=false) -%}
    {{ return({'lines': lines | select | list, 'fails': fails, 'published': published}) }}
{%- endmacro %}

{#-
    The vars that nothing reads: of the command line, or of the root project's dbt_project.yml. A project that has this one
    as a package has vars of its own: there only those count that are set for this package.
-#}
{% macro unknown_vars(names) -%}
    {%- set in_file = (var.packages_for_node() | list | last).vars.to_dict() -%}
    {%- set given = (in_file.get('retention_marts') or {}).keys() | list -%}
    {%- if names.is_root -%}
        {%- set given = names.given + in_file.keys() | list + given -%}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- for name in given | unique | reject('in', names.known + ['retention_marts']) -%}
        {%- do problems.append("nothing reads the var '" ~ name ~ "'. There are: " ~ names.known | join(', ')) -%}
    {%- endfor -%}
    {{ return(said(problems, fails=problems | length > 0)) }}
{%- endmacro %}

{#- What `published` says of the build that readers have; none where they have none. -#}
{% macro published_build() -%}
    {%- if execute and load_relation(published_relation('published')) -%}
        {%- set table = run_query('select * from ' ~ published_relation('published') ~ ' limit 1') -%}
        {%- for row in table.rows -%}
            {{ return(dict(zip(table.column_names, row.values()))) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- A table as readers find it. -#}
{% macro published_relation(name) -%}
    {{ return(api.Relation.create(database=target.database or none, schema=marts_schema(), identifier=name)) }}
{%- endmacro %}

{#- A build of `published`, for a sentence. -#}
{% macro named_build(published) -%}
    {{ return('the marts of ' ~ (published.as_of_date or 'raw tables without a row') ~ ' (build '
        ~ published.build_id[:8] ~ ')') }}
{%- endmacro %}

{#- A sentence: which marts readers see. -#}
{% macro readers_keep() -%}
    {%- set published = published_build() -%}
    {{ return('Readers keep ' ~ named_build(published) ~ '.' if published else 'Readers have no marts yet.') }}
{%- endmacro %}

{#- A build has started: it is refused where it could not be published, or where another one is at work. -#}
{% macro open_in_database(build) -%}
    {%- set published = published_build() -%}
    {%- if build.is_demo and published and not published.is_demo -%}
        {{ return(said([
            'Nothing can be published: this is a build of the bundled demo, and the schema ' ~ marts_schema() ~ ' holds '
            ~ named_build(published) ~ ' of your own data. Set raw_schema to build these, or another database for the demo.'
        ], fails=true)) }}
    {%- endif -%}
    {{ return(said([])) }}
{%- endmacro %}

{#- The marts that build_changes leaves out; the model itself compares. -#}
{% macro keyless_marts(build) -%}
    {%- set names = build.marts | rejectattr('keys') | map(attribute='name') | join(', ') -%}
    {{ return(said([
        'Warning: no uniqueness test names the key of ' ~ names ~ ', so build_changes leaves them out.' if names
    ])) }}
{%- endmacro %}

{#- A command has ended: publishes the build, or says why not. -#}
{% macro close_in_database(build) -%}
    {%- set built = (build.expected - build.missing) ~ ' of ' ~ build.expected ~ ' nodes' -%}
    {%- set again = '. Run the whole dbt build once more' -%}
    {%- set cause = none -%}
    {%- if build.command != 'build' -%}
        {%- set cause = 'dbt ' ~ build.command ~ ' does not publish, dbt build does' -%}
    {%- elif build.failed -%}
        {%- set count = build.failed | length -%}
        {%- set cause = (
            '1 node failed or was' if count == 1 else count ~ ' nodes failed or were'
        ) ~ ' skipped (' ~ build.failed[:5] | join(', ') ~ (', ...' if count > 5 else '') ~ ')' -%}
    {%- elif build.empty -%}
        {%- set cause = 'a build with --empty or --sample has no facts' -%}
    {%- elif build.missing and build.is_retry -%}
        {%- set cause = 'dbt retry built ' ~ built ~ ', the others may have read other tables' ~ again -%}
    {%- elif build.missing -%}
        {%- set cause = 'a selection was built, ' ~ built -%}
    {%- endif -%}
    {%- if cause -%}
        {{ return(said(['Not published: ' ~ cause ~ '. ' ~ readers_keep()])) }}
    {%- endif -%}

    {%- set facts = build_facts(build) -%}
    {%- set published = published_build() -%}
    {%- set is_comparable = published and published.is_demo == build.is_demo -%}
    {%- set beyond = restated_beyond_the_limit(build.marts) if is_comparable else [] -%}
    {%- if beyond and not var('accept_restatement') -%}
        {%- set settings = changed_settings(published, facts) -%}
        {{ return(said([
            'Not published: ' ~ (
                'since the published build these have changed: ' ~ settings | join(', ') ~ '. This' if settings else 'this'
            ) ~ ' build changes complete months that readers have: ' ~ beyond | join('; ')
            ~ '. The var restatement_limit allows ' ~ '{:g}'.format(100 * var('restatement_limit'))
            ~ ' %. If the new numbers are right, build once more with the var accept_restatement: true. ' ~ readers_keep()
        ], fails=true)) }}
    {%- endif -%}
    {%- do adapter.dispatch('publish', 'retention_marts')(build, facts) -%}
    {%- set lines = headlines(build.marts) -%}
    {%- do lines.append(
        'Published ' ~ build.marts | length ~ ' marts to the schema ' ~ marts_schema() ~ ' (build ' ~ build.build_id[:8]
        ~ ', ' ~ ('as of ' ~ facts.as_of_date if facts.as_of_date else 'of raw tables without a row') ~ ').'
    ) -%}
    {%- if is_comparable -%}
        {%- do lines.append(count_of_changes(build.marts)) -%}
    {%- endif -%}
    {{ return(said(lines, published=true)) }}
{%- endmacro %}

{#- What a row of `published` says of a build, beside the mart and its rows. -#}
{% macro build_facts(build) -%}
    {%- set as_of_date = run_query('select as_of_date from ' ~ build.as_of_date)[0][0] -%}
    {{ return({
        'build_id': build.build_id,
        'as_of_date': as_of_date,
        'dbt_version': dbt_version,
        'engine': (run_query('select ' ~ engine_version())[0][0] | string).split(' (')[0],
        'is_demo': build.is_demo,
        'currency': build.vars.reporting_currency,
        'vars': tojson(build.vars, sort_keys=true)
    }) }}
{%- endmacro %}

{#- What the engine is, as an expression. -#}
{% macro engine_version() -%}
    {{ return(adapter.dispatch('engine_version', 'retention_marts')()) }}
{%- endmacro %}

{% macro default__engine_version() -%}
    {{ not_written('engine_version') }}
{%- endmacro %}

{% macro postgres__engine_version() -%}
    {{ return("'PostgreSQL ' || current_setting('server_version')") }}
{%- endmacro %}

{% macro spark__engine_version() -%}
    {{ return("'Spark ' || substring_index(version(), ' ', 1)") }}
{%- endmacro %}

{#- The query of the rows of `published`: one per mart. -#}
{% macro published_rows(build, facts) -%}
    {%- for mart in build.marts | sort(attribute='name') %}
    select
        {{ sql_text(mart.name) }} as mart,
        (select count(*) from {{ mart.relation }}) as row_count,
        '{{ facts.build_id }}' as build_id,
        cast({{ text_list([facts.as_of_date] if facts.as_of_date else []) }} as date) as as_of_date,
        {{ utc_now() }} as published_at,
        '{{ facts.dbt_version }}' as dbt_version,
        {{ sql_text(facts.engine) }} as engine,
        {{ facts.is_demo }} as is_demo,
        {{ sql_text(facts.currency) }} as currency,
        {{ sql_text(facts.vars) }} as vars
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The latest month in a line each for subscriptions and orders. -#}
{% macro headlines(marts) -%}
    {%- set relations, lines = {}, [] -%}
    {%- for mart in marts -%}
        {%- do relations.update({mart.name: mart.relation}) -%}
    {%- endfor -%}
    {%- set last_month -%}
        where period_grain = 'month' and segment = 'all'
        order by is_complete desc, period_start_date desc
        limit 1
    {%- endset -%}
    {%- if 'customer_churn_by_period' in relations and 'mrr_churn_by_period' in relations -%}
        {%- set query -%}
            select period_start_date, is_complete, opening_customers, churned_customers, churn_rate, closing_mrr
            from {{ relations['customer_churn_by_period'] }}
            inner join (
                select period_grain, period_start_date, segment, segment_value, closing_mrr
                from {{ relations['mrr_churn_by_period'] }}
            ) as mrr_churn using (period_grain, period_start_date, segment, segment_value)
            {{ last_month }}
        {%- endset -%}
        {%- for month, is_complete, opening, churned, rate, mrr in run_query(query).rows -%}
            {%- do lines.append(
                month.strftime('%B %Y') ~ ('' if is_complete else ' so far') ~ ': ' ~ '{:,} customers, {:,} left'.format(
                    opening | int, churned | int
                ) ~ (' ({:.1f} %)'.format(100 * rate | float) if rate is not none else '') ~ ', MRR '
                ~ '{:,.2f}'.format(mrr)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if 'repeat_purchase_by_period' in relations -%}
        {%- set query -%}
            select period_start_date, is_complete, orders, revenue
            from {{ relations['repeat_purchase_by_period'] }}
            {{ last_month }}
        {%- endset -%}
        {%- for month, is_complete, orders, revenue in run_query(query).rows -%}
            {%- do lines.append(
                month.strftime('%B %Y') ~ ('' if is_complete else ' so far') ~ ': '
                ~ '{:,} orders, revenue {:,.2f}'.format(orders | int, revenue)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(lines) }}
{%- endmacro %}

{#- How many published numbers this build has changed, for a sentence. -#}
{% macro count_of_changes(marts) -%}
    {%- for mart in marts if mart.name == 'build_changes' -%}
        {%- set changed, restated = run_query(
            'select count(*), count(*) filter (where was_complete) from ' ~ mart.relation
        )[0].values() -%}
        {%- if not changed -%}
            {{ return('No published number changed.') }}
        {%- endif -%}
        {{ return(
            '{:,} published numbers changed, {:,} of complete periods: see build_changes_by_month.'.format(
                changed | int, restated | int
            )
        ) }}
    {%- endfor -%}
{%- endmacro %}

{#- Puts the marts where readers find them: see publication_postgres.sql and publication_spark.sql. -#}
{% macro default__publish(build, facts) -%}
    {{ not_written('publish') }}
{%- endmacro %}

{#- Only Spark keeps the builds before; elsewhere it is the database's own backup that brings them back. -#}
{% macro restore_in_database(argument) -%}
    {{ return(adapter.dispatch('restore_published', 'retention_marts')()) }}
{%- endmacro %}

{% macro default__restore_published() -%}
    {{ return(said([
        'Nothing is restored: ' ~ target.type ~ ' keeps no earlier build. Build the earlier raw tables once more. '
        ~ readers_keep()
    ], fails=true)) }}
{%- endmacro %}
