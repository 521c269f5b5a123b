{#-
    The views for people, which whoever publishes creates beside the marts: a schema per grain, in it that grain of a mart
    alone, the total alone, and `<view>_by_segment` with all segments but the total. A mart names its views in its YAML:

        config: {meta: {views: [{name: cohorts_by_order, where: {basis: order}, not_by: [day]}]}}

    Each view of the list is {schema, name, select, comment, columns: {column: comment}}; its SQL is that of any engine.
    `marts_schema` is where readers find the marts. Without the mart `periods`, which has the labels, there are none.
-#}
{% macro readers_views(marts_schema) -%}
    {%- set marts = readers_marts() -%}
    {%- set labels = marts | selectattr('name', 'equalto', 'periods') | first -%}
    {%- set views, wanted, grains = [], [], period_grains() -%}
    {%- for mart in marts if labels -%}
        {%- for view in views_of(mart) -%}
            {%- set total = readers_columns(mart, view, false) -%}
            {%- set segments = readers_columns(mart, view, true) -%}
            {%- for grain in grains if grain not in view.get('not_by', []) -%}
                {%- do wanted.append((mart, view, grain, false, total)) -%}
                {%- do wanted.append((mart, view, grain, true, segments)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for mart, view, grain, by_segment, columns in wanted -%}
        {%- set described = {} -%}
        {%- for column in columns -%}
            {%- do described.update({column.name: column.comment}) -%}
        {%- endfor -%}
        {%- do views.append({
            'schema': grain,
            'name': view.name ~ ('_by_segment' if by_segment else ''),
            'select': readers_select(mart, labels, marts_schema, view, grain, by_segment, columns),
            'comment': "Rows of " ~ mart.alias ~ " with period_grain '" ~ grain ~ "', " ~ (
                "of all segments but the total. Sums are right within one segment: filter on segment." if by_segment
                else "the total alone: it needs no filter. Columns may be summed where their comment says so."
            ),
            'columns': described
        }) -%}
    {%- endfor -%}
    {{ return(views) }}
{%- endmacro %}

{#- The public models of this project, from the graph. -#}
{% macro readers_marts() -%}
    {{ return(
        graph.nodes.values() | selectattr('package_name', 'equalto', 'retention_marts')
        | selectattr('access', 'equalto', 'public') | list
    ) }}
{%- endmacro %}

{#- The views that a mart names in its YAML. -#}
{% macro views_of(mart) -%}
    {{ return(mart.config.get('meta', {}).get('views', [])) }}
{%- endmacro %}

{#- The grains of the seed, as it was built, the shortest periods first. -#}
{% macro period_grains() -%}
    {%- set seed = graph.nodes.values() | selectattr('name', 'equalto', 'period_grains')
        | selectattr('package_name', 'equalto', 'retention_marts') | first -%}
    {%- set grains = run_query('select period_grain from ' ~ seed.relation_name ~ ' order by periods_per_year desc') -%}
    {{ return(grains.columns[0].values() | list) }}
{%- endmacro %}

{#- The columns of a view in their order: name, expression and comment. Money has two decimals. -#}
{% macro readers_columns(mart, view, by_segment) -%}
    {%- set keys = key_columns(mart.unique_id) -%}
    {%- set columns = [] -%}
    {%- for name in ['segment', 'segment_value'] if by_segment -%}
        {%- do columns.append({'name': name, 'sql': 'mart.' ~ name, 'comment': mart.columns[name].description}) -%}
    {%- endfor -%}
    {%- set label = 'Name of the period' ~ (' of the cohort' if 'cohort_start_date' in keys else '')
        ~ ', such as 2024-03-09, 2024-W09, 2024-03, 2024-Q1 or 2024.' -%}
    {%- do columns.append({'name': 'period_label', 'sql': 'periods.period_label', 'comment': label}) -%}
    {%- set shown = ['period_grain', 'segment', 'segment_value', 'period_label'] + view.get('where', {}).keys() | list -%}
    {%- for column in mart.columns.values() if column.name not in shown -%}
        {%- set is_money = column.data_type.startswith('decimal') -%}
        {%- set sums = '' -%}
        {%- if column.config.meta.get('additive') -%}
            {%- set sums = ' May be summed over periods' ~ (', within one segment.' if by_segment else '.') -%}
        {%- elif column.name not in keys and (is_money or column.data_type in ['bigint', 'double precision']) -%}
            {%- set sums = ' Not to be summed over periods, nor averaged.' -%}
        {%- endif -%}
        {%- do columns.append({
            'name': column.name,
            'sql': 'cast(mart.' ~ column.name ~ ' as decimal(38, 2)) as ' ~ column.name if is_money
                else 'mart.' ~ column.name,
            'comment': column.description | trim ~ sums
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- The query of a view. Tables are named by their schema alone: readers attach a file under any name. -#}
{% macro readers_select(mart, labels, marts_schema, view, grain, by_segment, columns) -%}
    {%- set start = 'cohort_start_date' if 'cohort_start_date' in mart.columns else 'period_start_date' -%}
    {%- set query -%}
        select {{ columns | map(attribute='sql') | join(', ') }}
        from {{ marts_schema }}.{{ mart.alias }} as mart
        inner join {{ marts_schema }}.{{ labels.alias }} as periods
            on mart.period_grain = periods.period_grain and mart.{{ start }} = periods.period_start_date
        where mart.period_grain = '{{ grain | replace("'", "''") }}'
            and mart.segment {{ '<>' if by_segment else '=' }} 'all'
        {%- for name, value in view.get('where', {}).items() %}
            and mart.{{ name }} = '{{ value }}'
        {%- endfor -%}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{#- What to know before one reads a mart that holds several grains and segments, and the views that need no filter. -#}
{% macro how_to_read(mart, grains) -%}
    {%- if grains and (mart.name.endswith('_by_period') or views_of(mart)) -%}
        {%- set names = [] -%}
        {%- for view in views_of(mart) -%}
            {%- for grain in grains if grain not in view.get('not_by', []) -%}
                {%- do names.append(grain ~ '.' ~ view.name) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set without = (views_of(mart) | first or {}).get('not_by', []) -%}
        {{- " Holds " ~ grains | reject('in', without) | list | length ~ " grains and every segment in one table: filter"
            ~ " on period_grain and segment" -}}
        {{- ", or use the views " ~ names | join(', ') ~ "; of each there is one with _by_segment" if names -}}
        .
    {%- endif -%}
{%- endmacro %}
