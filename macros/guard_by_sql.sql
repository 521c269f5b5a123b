{#-
    The guard without Python, on any engine: each expectation is rendered to the query of the rows that fail it, and one
    statement counts the rows of all. Answers as plugins/guard.py has it: `problem`, why the suite cannot be judged,
    `outcomes`, what became of each expectation, and `settings`.
-#}
{% macro judged_by_sql(table, suite, relations, known) -%}
    {%- set there, is_text = {}, {} -%}
    {%- for name, relation in relations.items() -%}
        {%- set names = [] -%}
        {%- for column in get_column_schema_from_query('select * from ' ~ relation) -%}
            {%- do names.append(folded(column.name)) -%}
            {%- do is_text.update({names[-1]: is_type_of_text(column.dtype)}) if name == table -%}
        {%- endfor -%}
        {%- do there.update({name: names}) -%}
    {%- endfor -%}
    {%- if there[table] == ['unreadable_because'] -%}
        {%- set why = run_query('select unreadable_because from ' ~ relations[table])[0][0] -%}
        {{ return({'problem': none, 'settings': {'rows': 0, 'mean': none}, 'outcomes': [new_outcome({
            'type': 'readable', 'words': 'cannot be read: ' ~ why, 'severity': 'critical', 'success': false
        })]}) }}
    {%- endif -%}
    {%- set problem = suite_problem(table, suite, known[table] + there[table], is_text) -%}
    {%- if problem -%}
        {{ return({'problem': problem, 'outcomes': [], 'settings': {'rows': 0, 'mean': none}}) }}
    {%- endif -%}

    {%- do run_guard_statements(guard_functions()) -%}
    {%- set about = suite.meta or {} -%}
    {%- set key = (about.key or []) | select('in', there[table]) | list -%}
    {%- set views = guard_views(relations, there) -%}
    {%- set settings = measured_settings(table, about.mean if about.mean in there[table] else none, views) -%}
    {%- set ctes = in_guard_words('with ' ~ views | join(', ')) ~ ', settings as (' ~ settings_row(settings) ~ ')' -%}

    {%- set outcomes, counts = [], [] -%}
    {%- for expectation in suite.expectations -%}
        {%- set arguments, meta = expectation.kwargs or {}, expectation.meta or {} -%}
        {%- set outcome = new_outcome({
            'type': expectation.type, 'column': arguments.column or meta.column or none,
            'severity': expectation.severity, 'words': in_setting_words(expectation.description, settings),
            'meta': meta, 'lacking': columns_lacking(table, expectation, known, there)
        }) -%}
        {%- do outcomes.append(outcome) -%}
        {%- if expectation.type == 'expect_table_columns_to_match_set' -%}
            {%- set others = there[table] | reject('in', arguments.column_set) | list -%}
            {%- set missing = arguments.column_set | sort | reject('in', there[table]) | list -%}
            {%- do outcome.update({
                'success': not missing and (arguments.get('exact_match', true) is false or not others),
                'found': missing_columns(missing, there[table] | reject('in', known[table]) | list)
            }) -%}
        {%- elif not outcome.lacking -%}
            {%- do outcome.update({'query': in_guard_words(failing_rows(table, expectation)), 'kwargs': arguments}) -%}
            {%- do counts.append(outcome) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- if counts -%}
        {%- set columns = [] -%}
        {%- for outcome in counts -%}
            {%- do columns.append(
                '(select count(*) from (' ~ outcome.query ~ ') as failing) as failed_' ~ loop.index
            ) -%}
            {%- do columns.append(
                '(select count(' ~ outcome.column ~ ') from ' ~ table ~ ') as filled_' ~ loop.index
            ) if outcome.kwargs.mostly is defined -%}
        {%- endfor -%}
        {%- set found = run_query(ctes ~ ' select ' ~ columns | join(',\n'))[0] -%}
        {%- for outcome in counts -%}
            {%- do settle_by_sql(outcome, found, loop.index, settings.rows | int) -%}
            {%- if outcome.failed and (not outcome.success or outcome.meta.quarantine) -%}
                {%- do look_closer_by_sql(outcome, ctes, key, is_text, 'source_name' in there[table]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({
        'problem': none, 'outcomes': outcomes, 'settings': settings, 'ctes': ctes, 'key': about.key or [],
        'columns': there[table]
    }) }}
{%- endmacro %}

{#- What became of an expectation, as plugins/guard.py has it. -#}
{% macro new_outcome(facts) -%}
    {{ return(dict({
        'column': none, 'success': true, 'failed': none, 'query': none, 'kwargs': {}, 'counts': [], 'keys': [],
        'sources': [], 'misspelt': [], 'found': [], 'meta': {}, 'quarantined': 0, 'lacking': []
    }, **facts)) }}
{%- endmacro %}

{#- A name of a column as SQL without quotes finds it. -#}
{% macro folded(name) -%}
    {{ return(adapter.dispatch('folded', 'retention_marts')(name)) }}
{%- endmacro %}

{% macro default__folded(name) -%}
    {{ return(name | lower) }}
{%- endmacro %}

{% macro postgres__folded(name) -%}
    {{ return(name) }}
{%- endmacro %}

{% macro is_type_of_text(name) -%}
    {{ return((name | lower).split('(')[0] in [
        'text', 'string', 'varchar', 'character varying', 'char', 'character', 'bpchar'
    ]) }}
{%- endmacro %}

{% macro run_guard_statements(statements) -%}
    {{ return(adapter.dispatch('run_guard_statements', 'retention_marts')(statements)) }}
{%- endmacro %}

{% macro default__run_guard_statements(statements) -%}
    {%- do run_query(statements | join(';\n')) -%}
{%- endmacro %}

{% macro spark__run_guard_statements(statements) -%}
    {%- for statement in statements -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}

{#- A common table expression that is read where it is needed, and never written down. -#}
{% macro inlined(name, query) -%}
    {{ return(adapter.dispatch('inlined', 'retention_marts')(name, query)) }}
{%- endmacro %}

{% macro default__inlined(name, query) -%}
    {{ return(name ~ ' as not materialized (' ~ query ~ ')') }}
{%- endmacro %}

{% macro spark__inlined(name, query) -%}
    {{ return(name ~ ' as (' ~ query ~ ')') }}
{%- endmacro %}

{#- What suites read by name, as common table expressions: the raw tables, `facts`, `segment_values`. -#}
{% macro guard_views(relations, there) -%}
    {%- set views, facts, values = [], [], [] -%}
    {%- for name, relation in relations.items() -%}
        {%- do views.append(inlined(name, 'select * from ' ~ relation)) -%}
    {%- endfor -%}
    {%- for name, column in guard_facts().items() if column in there[name] -%}
        {%- do facts.append(
            "select '" ~ name ~ "' as raw_table, as_instant(" ~ column ~ ') as fact_at from ' ~ name
        ) -%}
    {%- endfor -%}
    {%- for name in segment_attributes() if folded(name) in there.customers -%}
        {%- do values.append(
            'select ' ~ default__sql_text('customers.' ~ name) ~ ' as place, as_text(' ~ adapter.quote(name) ~ ') as value'
            ~ ' from customers'
        ) -%}
    {%- endfor -%}
    {%- set no_facts = "select '' as raw_table, timestamp '1970-01-01' as fact_at where false" -%}
    {%- set no_values = "select '' as place, '' as value where false" -%}
    {{ return(views + [
        inlined('facts', facts | join(' union all ') or no_facts),
        inlined('segment_values', values | join(' union all ') or no_values)
    ]) }}
{%- endmacro %}

{#- The row that suites read as `settings`, as texts. -#}
{% macro measured_settings(table, mean_column, views) -%}
    {%- set mean = 'cast(null as ' ~ type_double() ~ ')' -%}
    {%- if mean_column -%}
        {%- set mean = '(select avg(as_double(' ~ mean_column ~ ')) from ' ~ table ~ ')' -%}
    {%- endif -%}
    {%- set texts = [] -%}
    {%- for name in guard_settings_types() -%}
        {%- do texts.append('cast(settings.' ~ name ~ ' as ' ~ dbt.type_string() ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {%- set query = 'with ' ~ views | join(', ') ~ ' select ' ~ texts | join(', ')
        ~ ' from (' ~ guard_settings(table, mean) ~ ') as settings' -%}
    {{ return(run_query(in_guard_words(query)).rows[0].dict()) }}
{%- endmacro %}

{#- The same row as SQL that reads nothing. -#}
{% macro settings_row(settings) -%}
    {%- set columns = [] -%}
    {%- for name, type in guard_settings_types().items() -%}
        {%- do columns.append('cast(' ~ text_or_null(settings[name]) ~ ' as ' ~ type ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {{ return('select ' ~ columns | join(', ')) }}
{%- endmacro %}

{#- A text as SQL, or null. -#}
{% macro text_or_null(value) -%}
    {{ return('cast(null as ' ~ dbt.type_string() ~ ')' if value is none else sql_text(value)) }}
{%- endmacro %}

{#- A description on one line, with settings put in for their names in braces. -#}
{% macro in_setting_words(description, settings) -%}
    {%- set words = [description.split() | join(' ')] -%}
    {%- for name, value in settings.items() -%}
        {%- do words.append(words[-1] | replace('{' ~ name ~ '}', value | string)) -%}
    {%- endfor -%}
    {{ return(words[-1]) }}
{%- endmacro %}

{#- The missing columns, as table.column, without which an expectation cannot be run. -#}
{% macro columns_lacking(table, expectation, known, there) -%}
    {%- set arguments, lacking = expectation.kwargs or {}, [] -%}
    {%- set words = modules.re.findall('\\w+', arguments.unexpected_rows_query or '')
        + [arguments.column, (expectation.meta or {}).column] -%}
    {%- for name, columns in known.items() if name == table or name in words -%}
        {%- for column in columns if column in words and column not in there[name] -%}
            {%- do lacking.append(name ~ '.' ~ column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(lacking if expectation.type != 'expect_table_columns_to_match_set' else []) }}
{%- endmacro %}

{#- Missing columns as they are said, with those that are there and no contract knows. -#}
{% macro missing_columns(missing, others) -%}
    {%- set said, there = [], [] -%}
    {%- for name in missing -%}
        {%- do said.append('%r' | format(name)) -%}
    {%- endfor -%}
    {%- for name in others -%}
        {%- do there.append('%r' | format(name)) -%}
    {%- endfor -%}
    {%- if said and there -%}
        {%- do said.append(said.pop() ~ ' (there is ' ~ there | join(', ') ~ ')') -%}
    {%- endif -%}
    {{ return(said) }}
{%- endmacro %}

{#- Whether an expectation holds: none fails, or no more than it tolerates, by its arguments or by its meta. -#}
{% macro settle_by_sql(outcome, found, number, rows) -%}
    {%- set failed = found['failed_' ~ number] | int -%}
    {%- set success = failed == 0 -%}
    {%- if outcome.kwargs.mostly is defined -%}
        {%- set asks_all = outcome.type.endswith('_be_null') -%}
        {%- set asked = rows if asks_all else found['filled_' ~ number] | int -%}
        {%- set success = asked - failed >= outcome.kwargs.mostly * asked -%}
    {%- endif -%}
    {%- if outcome.meta.quarantine and failed -%}
        {%- set success = success or rows - failed >= outcome.meta.get('mostly', 1) * rows - 1e-9 -%}
    {%- endif -%}
    {%- do outcome.update({
        'failed': failed if not success or outcome.meta.quarantine else none, 'success': success
    }) -%}
{%- endmacro %}

{#- Find out which values the rows that fail have, and where. -#}
{% macro look_closer_by_sql(outcome, ctes, key, is_text, has_sources) -%}
    {%- set returned = [] -%}
    {%- for column in get_column_schema_from_query(ctes ~ ' ' ~ in_parentheses(outcome.query)) -%}
        {%- do returned.append(folded(column.name)) -%}
    {%- endfor -%}
    {%- for name in (key | select('in', returned) | list)[:1] if has_sources -%}
        {%- set query -%}
            select split_part({{ name }}, ':', 1) as source_name, count(*) as times
            from ({{ outcome.query }}) as failing
            group by split_part({{ name }}, ':', 1)
            order by times desc, source_name
        {%- endset -%}
        {%- for row in run_query(ctes ~ query) -%}
            {%- do outcome.sources.append(row.source_name ~ ' ' ~ '{:,}'.format(row.times | int)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if outcome.column not in returned -%}
        {%- for row in run_query(ctes ~ ' ' ~ in_parentheses(outcome.query) ~ ' limit 5') -%}
            {%- set cells = [] -%}
            {%- for name, value in row.dict().items() -%}
                {%- do cells.append(name ~ ' ' ~ shown(value, value is string)) -%}
            {%- endfor -%}
            {%- set is_one_text = cells | length == 1 and row[0] is string -%}
            {%- do outcome.found.append(row[0] if is_one_text else cells | join(' ')) -%}
        {%- endfor -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set keys, order = [], key | select('in', returned) | list -%}
    {%- for name in order -%}
        {%- do keys.append(', as_text(' ~ name ~ ') as key_' ~ loop.index) -%}
    {%- endfor -%}
    {%- set query -%}
        select *
        from (
            select
                {{ in_guard_words('as_text(' ~ outcome.column ~ ') as value' ~ keys | join('')) }},
                count(*) over (partition by {{ outcome.column }}) as times,
                row_number() over (
                    partition by {{ outcome.column }} order by {{ order | join(', ') or outcome.column }}
                ) as place
            from ({{ outcome.query }}) as failing
        ) as failing_values
        where place = 1
        order by times desc, value nulls last
        limit 5
    {%- endset -%}
    {%- for row in run_query(ctes ~ query) -%}
        {%- set at = {} -%}
        {%- for name in order -%}
            {%- do at.update({name: row['key_' ~ loop.index]}) -%}
        {%- endfor -%}
        {%- do outcome.counts.append({
            'value': row.value, 'shown': shown(row.value, is_text[outcome.column]), 'times': row.times | int
        }) -%}
        {%- set parts = [] -%}
        {%- for name, value in at.items() -%}
            {%- do parts.append(name ~ ' ' ~ shown(value, is_text[name])) -%}
        {%- endfor -%}
        {%- do outcome['keys'].append({'value': at, 'shown': parts | join(' ')}) -%}
    {%- endfor -%}
    {%- do misspelt_by_sql(outcome, ctes) if outcome.meta.refers_to -%}
{%- endmacro %}

{#-
    The values that are no key of the table they refer to, but differ from one only by case, blanks or leading zeros;
    and whether it is by zeros.
-#}
{% macro misspelt_by_sql(outcome, ctes) -%}
    {%- set column -%} as_text({{ outcome.column }}) {%- endset -%}
    {%- set significant -%} trim(leading '0' from plain_text({{ outcome.column }})) {%- endset -%}
    {%- set query -%}
        select
            {{ column }} as value,
            known.value as known,
            count(*) as times,
            bool_or(plain_text({{ outcome.column }}) <> plain_text(known.value)) as by_zeros
        from ({{ outcome.query }}) as failing
        inner join (
            select {{ significant }} as significant, min({{ column }}) as value
            from {{ outcome.meta.refers_to }}
            group by {{ significant }}
        ) as known on {{ significant }} = known.significant
        group by {{ column }}, known.value
        order by times desc, value
    {%- endset -%}
    {%- for row in run_query(ctes ~ in_guard_words(query)) -%}
        {%- do outcome.misspelt.append(
            {'value': row.value, 'known': row.known, 'times': row.times | int, 'by_zeros': row.by_zeros}
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro in_parentheses(query) -%}
    {{ return('select * from (' ~ query ~ ') as failing') }}
{%- endmacro %}

{#- A value on one line, cut where it is long. -#}
{% macro shown(value, is_text) -%}
    {%- set text = 'null' if value is none else '%r' | format(value) if is_text else value | string -%}
    {{ return(text if text | length <= 60 else text[:57] ~ '...') }}
{%- endmacro %}

{#- Writes down what was found, says it, and stops the test with what is critical. Answers: how many warnings. -#}
{% macro said_by_sql(table, judged) -%}
    {%- if judged.problem -%}
        {{ exceptions.raise_compiler_error('critical: ' ~ table ~ ' could not be guarded: ' ~ judged.problem) }}
    {%- endif -%}
    {%- set bad, results, lines = [], [], {'critical': [], 'warning': [], 'info': []} -%}
    {%- for outcome in judged.outcomes -%}
        {%- if outcome.meta.quarantine and outcome.success and outcome.failed -%}
            {%- do bad.append(rows_set_aside(table, outcome, judged)) -%}
            {%- set count = judged.ctes ~ ' select count(*) from (' ~ bad[-1] ~ ') as bad' -%}
            {%- do outcome.update({'quarantined': run_query(count)[0][0] | int}) -%}
        {%- endif -%}
        {%- set level = outcome_level(outcome) -%}
        {%- set line = outcome_line(table, outcome, judged.settings.rows | int) if level else none -%}
        {%- do lines[level].append(line) if level -%}
        {%- do results.append(result_row(table, outcome, line, judged.settings)) -%}
    {%- endfor -%}
    {%- do write_quality('quarantine', table, judged.ctes ~ ' ' ~ bad | join(' union all ') if bad else none, true) -%}
    {%- do write_quality('expectation_results', table, results | join(' union all ')) -%}
    {%- do keep_written() -%}
    {%- if lines.critical -%}
        {{ exceptions.raise_compiler_error((lines.critical + lines.warning) | join('\n  ')) }}
    {%- endif -%}
    {%- for line in lines.warning + lines.info -%}
        {%- do log(line, info=true) -%}
    {%- endfor -%}
    {{ return(lines.warning | length) }}
{%- endmacro %}

{#- What an outcome comes to: its severity, but for rows set aside a warning at most; none where all is well. -#}
{% macro outcome_level(outcome) -%}
    {%- if outcome.lacking -%}
        {{ return('info') }}
    {%- elif outcome.success and not outcome.quarantined -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return('warning' if outcome.success and outcome.severity == 'critical' else outcome.severity) }}
{%- endmacro %}

{#- Level, place, the expectation in words, how many rows, samples and keys, or why it was not run. -#}
{% macro outcome_line(table, outcome, rows) -%}
    {%- set place = table ~ ('.' ~ outcome.column if outcome.column else '') -%}
    {%- set said = [outcome_level(outcome) ~ ': ' ~ place ~ ' ' ~ outcome.words] -%}
    {%- if outcome.lacking -%}
        {%- do said.append(
            ': not checked, ' ~ outcome.lacking | join(' and ') ~ (' is' if outcome.lacking | length == 1 else ' are')
            ~ ' missing'
        ) -%}
    {%- elif outcome.counts -%}
        {%- do said.append(': not so in ' ~ '{:,}'.format(outcome.failed) ~ ' of ' ~ '{:,}'.format(rows) ~ ' rows') -%}
        {%- set values, places, misspelt = [], [], [] -%}
        {%- for item in outcome.counts -%}
            {%- do values.append(item.shown ~ ' ' ~ '{:,}'.format(item.times)) -%}
        {%- endfor -%}
        {%- for item in outcome['keys'] -%}
            {%- do places.append(item.shown) -%}
        {%- endfor -%}
        {%- if outcome.counts | rejectattr('value', 'none') | list -%}
            {%- do said.append(', such as ' ~ values | join(', ')) -%}
        {%- endif -%}
        {%- if places | select | list -%}
            {%- do said.append('; at ' ~ places | join(', ')) -%}
        {%- endif -%}
        {%- if outcome.sources -%}
            {%- do said.append('; in ' ~ outcome.sources | join(', ')) -%}
        {%- endif -%}
        {%- for item in outcome.misspelt -%}
            {%- do misspelt.append(
                shown(item.value, true) ~ ' for ' ~ shown(item.known, true) ~ ' ' ~ '{:,}'.format(item.times)
            ) -%}
        {%- endfor -%}
        {%- if misspelt -%}
            {%- set by_zeros = outcome.misspelt | selectattr('by_zeros') | list -%}
            {%- do said.append(
                '; in ' ~ '{:,}'.format(outcome.misspelt | sum(attribute='times'))
                ~ ' of them, values differ only by '
                ~ ('case, blanks or leading zeros' if by_zeros else 'case or blanks')
                ~ ' from one in ' ~ outcome.meta.refers_to ~ ', such as ' ~ misspelt[:5] | join(', ')
            ) -%}
        {%- endif -%}
    {%- elif outcome.found -%}
        {%- set how = 'missing' if outcome.type == 'expect_table_columns_to_match_set' else 'found' -%}
        {%- do said.append(': not so, ' ~ how ~ ' ' ~ outcome.found | join(', ')) -%}
    {%- endif -%}
    {%- if outcome.quarantined -%}
        {%- do said.append(
            '; ' ~ '{:,}'.format(outcome.quarantined) ~ (' row is' if outcome.quarantined == 1 else ' rows are')
            ~ ' in quarantine'
        ) -%}
    {%- endif -%}
    {{ return(said | join('')) }}
{%- endmacro %}

{#- An outcome as a row of quality.expectation_results. -#}
{% macro result_row(table, outcome, line, settings) -%}
    {%- set samples, keys = [], [] -%}
    {%- for item in outcome.counts -%}
        {%- do samples.append(item.value) -%}
    {%- endfor -%}
    {%- for item in outcome['keys'] -%}
        {%- do keys.append(item.value) -%}
    {%- endfor -%}
    {%- set success = 'null' if outcome.lacking else outcome.success -%}
    select
        {{ sql_text(invocation_id) }} as build_id,
        {{ utc_now() }} as checked_at,
        {{ sql_text(table) }} as raw_table,
        {{ text_or_null(outcome.column) }} as column_name,
        {{ sql_text(outcome.type) }} as expectation,
        {{ sql_text(outcome.words) }} as description,
        {{ sql_text(outcome.severity) }} as severity,
        cast({{ success }} as boolean) as is_success,
        cast({{ settings.rows }} as bigint) as rows_checked,
        cast({{ 'null' if outcome.failed is none else outcome.failed }} as bigint) as rows_failed,
        {{ sql_text(tojson(samples or outcome.found)) }} as samples,
        {{ sql_text(tojson(keys)) }} as failed_keys,
        cast({{ outcome.quarantined }} as bigint) as rows_quarantined,
        {{ text_or_null(line) }} as message,
        cast({{ text_or_null(settings.mean) }} as {{ type_double() }}) as mean
{%- endmacro %}

{#-
    The query of the rows that an expectation sets aside, as rows of quality.quarantine: those that are equal to a row
    that fails in all columns that its query returns.
-#}
{% macro rows_set_aside(table, outcome, judged) -%}
    {%- set returned = [] -%}
    {%- for column in get_column_schema_from_query(judged.ctes ~ ' ' ~ in_parentheses(outcome.query)) -%}
        {%- do returned.append(folded(column.name)) -%}
    {%- endfor -%}
    {%- set missing = judged.key | reject('in', returned) | list -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            'critical: ' ~ table ~ ' could not be guarded: expectations/' ~ table ~ '.yml: to set rows aside, the query'
            ~ ' (' ~ outcome.words ~ ') must return ' ~ missing | join(', ') ~ ', their key'
        ) }}
    {%- endif -%}
    {%- set same = judged.columns | select('in', returned) | list -%}
    select
        {{ sql_text(invocation_id) }} as build_id,
        {{ sql_text(table) }} as raw_table,
        {{ values_json(table, judged.key) }} as row_key,
        {{ row_json(table) }} as row_content,
        {{ sql_text((outcome.column or table) ~ ' ' ~ outcome.words) }} as reason,
        {{ row_hash(table) }} as row_hash
    from {{ table }}
    where cast({{ values_json(table, same) }} as {{ dbt.type_string() }}) in (
        select cast({{ values_json('failing', same) }} as {{ dbt.type_string() }})
        from ({{ outcome.query }}) as failing
    )
{%- endmacro %}

{#- What is critical takes back all that its test has written in a transaction, unless that has been committed. -#}
{% macro keep_written() -%}
    {{ return(adapter.dispatch('keep_written', 'retention_marts')()) }}
{%- endmacro %}

{#- There may be no transaction yet, and only one that dbt has begun can be committed by it. -#}
{% macro default__keep_written() -%}
    {%- call statement('begin_if_needed', auto_begin=true) -%} select 1 {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro postgres__keep_written() -%}
    {%- do run_query('commit; begin') -%}
{%- endmacro %}

{% macro spark__keep_written() -%}
{%- endmacro %}
