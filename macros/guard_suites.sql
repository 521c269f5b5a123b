{#- What is rendered of suites: type of expectation -> its arguments, those that must be there, and what fails it. -#}
{% macro rendered_expectations() -%}
    {%- set of_column = 'select * from {table} where ' -%}
    {{ return({
        'unexpected_rows_expectation': {
            'needs': ['unexpected_rows_query'], 'failing': none
        },
        'expect_table_columns_to_match_set': {
            'needs': ['column_set'], 'takes': ['exact_match'], 'failing': none
        },
        'expect_column_values_to_not_be_null': {
            'needs': ['column'], 'takes': ['mostly'], 'failing': of_column ~ '{column} is null'
        },
        'expect_column_values_to_be_null': {
            'needs': ['column'], 'takes': ['mostly'], 'failing': of_column ~ '{column} is not null'
        },
        'expect_column_values_to_be_unique': {
            'needs': ['column'], 'takes': ['mostly'],
            'failing': of_column ~ '{column} in (select {column} from {table} group by {column} having count(*) > 1)'
        },
        'expect_column_values_to_be_in_set': {
            'needs': ['column', 'value_set'], 'takes': ['mostly'],
            'failing': of_column ~ 'as_text({column}) not in ({value_set})'
        },
        'expect_column_values_to_not_be_in_set': {
            'needs': ['column', 'value_set'], 'takes': ['mostly'],
            'failing': of_column ~ 'as_text({column}) in ({value_set})'
        },
        'expect_column_values_to_match_regex': {
            'needs': ['column', 'regex'], 'takes': ['mostly'], 'failing': of_column ~ 'not matches({column}, {regex})'
        },
        'expect_column_values_to_not_match_regex': {
            'needs': ['column', 'regex'], 'takes': ['mostly'], 'failing': of_column ~ 'matches({column}, {regex})'
        }
    }) }}
{%- endmacro %}

{#- The query of the rows that fail an expectation, in the words of suites. -#}
{% macro failing_rows(table, expectation) -%}
    {%- set arguments = expectation.kwargs -%}
    {%- if expectation.type == 'unexpected_rows_expectation' -%}
        {{ return(arguments.unexpected_rows_query | replace('{batch}', table)) }}
    {%- endif -%}
    {{ return(rendered_expectations()[expectation.type].failing
        | replace('{table}', table)
        | replace('{column}', arguments.column)
        | replace('{value_set}', standard_texts(arguments.value_set))
        | replace('{regex}', default__sql_text(arguments.regex or ''))
    ) }}
{%- endmacro %}

{#- Text values as a list in the SQL of suites, before the engine's own way to write texts. -#}
{% macro standard_texts(values) -%}
    {%- set texts = [] -%}
    {%- for value in values or [] -%}
        {%- do texts.append(default__sql_text(value | string)) -%}
    {%- endfor -%}
    {{ return(texts | join(', ') or 'null') }}
{%- endmacro %}

{#-
    Why a suite cannot be trusted, as plugins/guard.py has it, or cannot be rendered; none where it can. `columns` are
    those that the contract knows or the table has; `is_text` says of those that are there whether they are text.
-#}
{% macro suite_problem(table, suite, columns, is_text) -%}
    {%- set where = 'expectations/' ~ table ~ '.yml' -%}
    {%- if suite is not mapping or suite.expectations is not defined -%}
        {{ return(where ~ ' is not a suite: a mapping with expectations is wanted') }}
    {%- elif not suite.expectations -%}
        {{ return(where ~ ' holds no expectation') }}
    {%- endif -%}
    {%- set about = suite.meta or {} -%}
    {%- if about is not mapping or not is_list(suite.expectations) or not is_list(about.key or []) -%}
        {{ return(where ~ ' is not a suite: expectations and meta: key are lists') }}
    {%- endif -%}
    {%- for name in (about.key or []) + ([about.mean] if about.mean else []) if name not in columns -%}
        {{ return(where ~ ', meta: the contract knows no key ' ~ name ~ ' of ' ~ table) }}
    {%- endfor -%}
    {%- set places = [] -%}
    {%- for expectation in suite.expectations -%}
        {%- set number = where ~ ', expectation ' ~ loop.index -%}
        {%- set is_whole = expectation is mapping and (expectation.kwargs or {}) is mapping
            and (expectation.meta or {}) is mapping -%}
        {%- if not is_whole -%}
            {{ return(number ~ ': it, its kwargs and its meta are mappings') }}
        {%- endif -%}
        {%- set problem = expectation_problem(table, expectation, columns, is_text, about.key) -%}
        {%- set here = number ~ ' (' ~ expectation.type ~ ')' -%}
        {%- set named = [(expectation.kwargs or {}).column, (expectation.meta or {}).column] -%}
        {%- set place = [expectation.type, expectation.description] + named -%}
        {%- if problem -%}
            {{ return(here ~ ': ' ~ problem) }}
        {%- elif place in places -%}
            {{ return(here ~ ' is there twice: give it another description') }}
        {%- endif -%}
        {%- do places.append(place) -%}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{% macro is_list(value) -%}
    {{ return(value is sequence and value is not string and value is not mapping) }}
{%- endmacro %}

{#- What is wrong with one expectation of a suite; none where it can be judged. -#}
{% macro expectation_problem(table, expectation, columns, is_text, key) -%}
    {%- set arguments, meta = expectation.kwargs or {}, expectation.meta or {} -%}
    {%- set rendered = rendered_expectations().get(expectation.type) -%}
    {%- set named = [arguments.column, meta.column] + (arguments.column_list or []) -%}
    {%- set unknown = named | select | reject('in', columns) | unique | sort | list -%}
    {%- if expectation.severity not in ['critical', 'warning', 'info'] -%}
        {{ return('severity is one of critical, warning, info') }}
    {%- elif not expectation.description -%}
        {{ return('the description, the expectation in words, is missing') }}
    {%- elif modules.re.match('expect_(column_pair|multicolumn|compound|select_column)_', expectation.type | string) -%}
        {{ return(
            'Great Expectations lets rows with a null in one of several columns pass, so that this would guard nothing'
            ~ ' for them; say it as an unexpected_rows_expectation'
        ) }}
    {%- elif unknown -%}
        {{ return('the contract knows no column ' ~ unknown | join(', ') ~ ' of ' ~ table) }}
    {%- elif meta.quarantine and not key -%}
        {{ return('to set rows aside the suite must name their key, meta: {key: [...]}') }}
    {%- elif meta.quarantine and table in ['customers', 'plans'] -%}
        {{ return('rows of ' ~ table ~ ' cannot be set aside, because other tables refer to them') }}
    {%- elif not rendered -%}
        {{ return('it is not rendered for ' ~ target.type ~ '; say it as an unexpected_rows_expectation') }}
    {%- endif -%}
    {%- set missing = rendered.needs | reject('in', arguments) | list -%}
    {%- set more = arguments.keys() | reject('in', rendered.needs + rendered.get('takes', [])) | list -%}
    {%- if missing -%}
        {{ return(missing | join(', ') ~ (' is' if missing | length == 1 else ' are') ~ ' missing') }}
    {%- elif more -%}
        {{ return(
            more | join(', ') ~ (' is' if more | length == 1 else ' are') ~ ' not rendered for ' ~ target.type
            ~ '; say it as an unexpected_rows_expectation'
        ) }}
    {%- elif arguments.mostly is defined and (arguments.mostly is not number or not 0 <= arguments.mostly <= 1) -%}
        {{ return('mostly is a share from 0 to 1') }}
    {%- elif arguments.regex is defined and is_text.get(arguments.column) is false -%}
        {{ return(arguments.column ~ ': cannot be run: the column is no text') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
