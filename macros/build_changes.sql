{#-
    A relation: the published numbers that this build has otherwise. On DuckDB the plugin has found them, elsewhere the
    published marts lie in the same database.
-#}
{% macro found_changes() -%}
    {{ adapter.dispatch('found_changes', 'retention_marts')() }}
{%- endmacro %}

{% macro duckdb__found_changes() -%}
    retention_changes.main.changes
{%- endmacro %}

{% macro default__found_changes() -%}
    {%- set queries = [] -%}
    {%- set published = published_build() -%}
    {%- if published and published.is_demo == (raw_tables_are() == 'demo') -%}
        {%- set now = build_facts({'build_id': '', 'as_of_date': as_of_date_relation(), 'vars': vars_in_use()}) -%}
        {%- set settings = changed_settings(published, now) | join('; ') -%}
        {%- for id in model.depends_on.nodes if load_relation(published_relation(graph.nodes[id].alias)) -%}
            {%- do queries.append(changes_of_mart(graph.nodes[id], settings)) -%}
        {%- endfor -%}
    {%- endif -%}
    (
        {%- for query in queries | select %}
        select * from ({{ query }}) as changes_of_mart
        where previous_value is distinct from new_value
        {{ 'union all' if not loop.last }}
        {%- else %}
        select
            {%- for name, type in types_of_changes().items() %}
            cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
        {%- endfor %}
    ) as found_changes
{%- endmacro %}

{#- The columns of what was found. -#}
{% macro types_of_changes() -%}
    {%- set string = dbt.type_string() -%}
    {{ return({
        'mart': string, 'basis': string, 'period_grain': string, 'period_start_date': 'date', 'periods_since': 'bigint',
        'segment': string, 'segment_value': string, 'further_key': string, 'was_complete': 'boolean',
        'column_name': string, 'previous_value': 'decimal(38, 10)', 'new_value': 'decimal(38, 10)',
        'changed_settings': string
    }) }}
{%- endmacro %}

{#-
    The query of the numbers of one mart that were published and are compared, where its row has any that differs. A mart
    without keys, or that was published without them, is left out.
-#}
{% macro changes_of_mart(mart, settings) -%}
    {%- set keys, had, numbers = key_columns(mart.unique_id), [], [] -%}
    {%- for column in adapter.get_columns_in_relation(published_relation(mart.alias)) -%}
        {%- do had.append(column.name) -%}
    {%- endfor -%}
    {%- for column in mart.columns.values() if column.name in had and column.name not in keys
        and column.data_type.split('(')[0] in ['decimal', 'double precision', 'bigint', 'integer'] -%}
        {%- do numbers.append(column.name) -%}
    {%- endfor -%}
    {%- if keys and numbers and not (keys + ['is_complete']) | reject('in', had) | list -%}
        {%- set own = ['basis', 'period_grain', 'period_start_date', 'periods_since', 'segment', 'segment_value'] -%}
        {%- set further = keys | reject('in', own + ['cohort_start_date']) | list -%}
        select
            '{{ mart.alias }}' as mart,
            {%- for name in own %}
            {%- set key = 'cohort_start_date' if name == 'period_start_date' and name not in keys else name %}
            cast({{ 'earlier.' ~ key if key in keys else 'null' }} as {{ types_of_changes()[name] }}) as {{ name }},
            {%- endfor %}
            {%- for name in further %}
            {{ "|| ' / ' ||" if not loop.first }} cast(earlier.{{ name }} as {{ dbt.type_string() }})
            {%- else %}
            cast(null as {{ dbt.type_string() }})
            {%- endfor %} as further_key,
            earlier.is_complete as was_complete,
            numbers.column_name,
            {%- for side, column in {'earlier': 'previous_value', 'latest': 'new_value'}.items() %}
            case numbers.column_name
                {%- for name in numbers %}
                when '{{ name }}' then {{ rounded(side ~ '.' ~ name, 10) }}
                {%- endfor %}
            end as {{ column }},
            {%- endfor %}
            cast({{ text_list([settings] if settings else []) }} as {{ dbt.type_string() }}) as changed_settings
        from {{ published_relation(mart.alias) }} as earlier
        left join {{ mart.relation_name }} as latest
            on {% for key in keys %}{{ 'and ' if not loop.first }}earlier.{{ key }} = latest.{{ key }} {% endfor %}
        cross join (
            {%- for name in numbers %}
            select '{{ name }}' as column_name{{ ' union all' if not loop.last }}
            {%- endfor %}
        ) as numbers
        where
            {%- for name in numbers %}
            {{ 'or ' if not loop.first }}earlier.{{ name }} is distinct from latest.{{ name }}
            {%- endfor %}
    {%- endif -%}
{%- endmacro %}

{#-
    The vars and versions that are others than in the published build, and an as_of_date that has gone back; what an
    earlier version did not publish is not compared.
-#}
{% macro changed_settings(published, now) -%}
    {%- set before, after, changed = fromjson(published.vars), fromjson(now.vars), [] -%}
    {%- for name in before.keys() | sort if name in after and before[name] != after[name]
        and name not in ['as_of_date', 'restatement_limit', 'accept_restatement'] -%}
        {%- do changed.append(name ~ ' from ' ~ shown_setting(before[name]) ~ ' to ' ~ shown_setting(after[name])) -%}
    {%- endfor -%}
    {%- for name in ['dbt_version', 'engine'] if published[name] | string != now[name] | string -%}
        {%- do changed.append(name ~ ' from ' ~ published[name] ~ ' to ' ~ now[name]) -%}
    {%- endfor -%}
    {%- if published.as_of_date and now.as_of_date and now.as_of_date < published.as_of_date -%}
        {%- do changed.append('as_of_date from ' ~ published.as_of_date ~ ' to ' ~ now.as_of_date) -%}
    {%- endif -%}
    {{ return(changed) }}
{%- endmacro %}

{#- A setting for a sentence. -#}
{% macro shown_setting(value) -%}
    {{ return('nothing' if value is none else value if value is string else tojson(value)) }}
{%- endmacro %}

{#-
    What a build changes in complete months of the total, a sentence per measure that changes by more than the var
    restatement_limit; the largest change first. A month that is no more has changed to nothing.
-#}
{% macro restated_beyond_the_limit(marts) -%}
    {%- set limited, found = {
        'repeat_purchase_by_period': ('revenue', 'revenue', '{:,.2f}'),
        'mrr_churn_by_period': ('closing_mrr', 'closing MRR', '{:,.2f}'),
        'customer_churn_by_period': ('closing_customers', 'closing customers', '{:,.0f}')
    }, [] -%}
    {%- for mart in marts if mart.name in limited and load_relation(published_relation(mart.name)) -%}
        {%- set column, measure, digits = limited[mart.name] -%}
        {%- set query -%}
            select earlier.period_start_date, coalesce(earlier.{{ column }}, 0), latest.{{ column }}
            from {{ published_relation(mart.name) }} as earlier
            left join {{ mart.relation }} as latest
                on
                    earlier.period_grain = latest.period_grain
                    and earlier.period_start_date = latest.period_start_date
                    and earlier.segment = latest.segment
                    and earlier.segment_value = latest.segment_value
            where earlier.period_grain = 'month' and earlier.segment = 'all' and earlier.is_complete
            order by abs(coalesce(latest.{{ column }}, 0) - earlier.{{ column }}) desc, earlier.period_start_date desc
        {%- endset -%}
        {%- set sums, months = {'before': 0, 'changed': 0}, [] -%}
        {%- for month, before, after in run_query(query).rows -%}
            {%- do sums.update({
                'before': sums.before + before | abs, 'changed': sums.changed + ((after or 0) - before) | abs
            }) -%}
            {%- if before != (after or 0) -%}
                {%- do months.append(
                    month.strftime('%Y-%m') ~ ' from ' ~ digits.format(before) ~ ' to '
                    ~ ('nothing' if after is none else digits.format(after))
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set share = (sums.changed / sums.before) | float if sums.before else 0 -%}
        {%- if share > var('restatement_limit') -%}
            {%- do found.append((share, measure ~ ' by ' ~ '{:.1f}'.format(100 * share) ~ ' % (' ~ (
                'in ' ~ months | length ~ ' months, most in ' if months | length > 3 else 'in '
            ) ~ months[:3] | join(', ') ~ ')')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found | sort(attribute=0, reverse=true) | map(attribute=1) | list) }}
{%- endmacro %}
