{#-
    The words that the SQL of a suite may use beside standard SQL, and the type of what each gives. This is their one
    home: on every engine the guard makes exactly these, and a test finds words outside.

    as_text: the value as text. plain_text: the same without case and outer blanks.
    as_number: a decimal(38, 10), as_double: a double, null where the value is none. is_whole_number.
    as_timestamp: a timestamp as it is written. as_instant, as_end: what staging makes of a start and of an end.
    as_local: what the clocks of the reporting timezone show at an instant. as_date: the date of that.
    is_instant: a date, or a time in UTC. is_known: lies before as_of_date. days_between: two dates.
    is_countable: a status of the var countable_order_statuses.
    reads_like_missing: nan, NULL, None and the like, which many tools write for nothing.
    matches: a regular expression. fingerprint: a whole number for a text. two_decimals: a double, rounded.
-#}
{% macro guard_vocabulary() -%}
    {{ return({
        'as_text(x)': 'text',
        'plain_text(x)': 'text',
        'matches(x, pattern)': 'boolean',
        'as_number(x)': 'number',
        'as_double(x)': 'double',
        'is_whole_number(x)': 'boolean',
        'two_decimals(number)': 'number',
        'is_instant(x)': 'boolean',
        'as_timestamp(x)': 'timestamp',
        'as_instant(x)': 'timestamp',
        'as_end(x)': 'timestamp',
        'as_local(x)': 'timestamp',
        'as_date(x)': 'date',
        'days_between(first_day, last_day)': 'number',
        'is_known(x)': 'boolean',
        'is_countable(x)': 'boolean',
        'reads_like_missing(x)': 'boolean',
        'fingerprint(x)': 'bigint'
    }) }}
{%- endmacro %}

{#-
    The words for many rows, of a column: listed, its texts in their order; may_differ_only_by_spelling, false where no
    two values can differ only by case or blanks, which is much cheaper than plain_text of each.
-#}
{% macro guard_aggregates() -%}
    {{ return({
        'listed': adapter.dispatch('listed', 'retention_marts')('x'),
        'may_differ_only_by_spelling':
            '(bool_or(lower(as_text(x)) <> as_text(x)) and bool_or(upper(as_text(x)) <> as_text(x))'
            ~ ' or bool_or(' ~ trimmed('x') ~ ' <> as_text(x)))'
    }) }}
{%- endmacro %}

{% macro default__listed(x) -%}
    string_agg({{ x }}, ', ' order by {{ x }})
{%- endmacro %}

{% macro spark__listed(x) -%}
    listagg({{ x }}, ', ') within group (order by {{ x }})
{%- endmacro %}

{#- The statements that make the words of guard_vocabulary, in the session of whoever judges. -#}
{% macro guard_functions() -%}
    {%- set bodies, statements = adapter.dispatch('guard_bodies', 'retention_marts')(), [] -%}
    {%- for head, type in guard_vocabulary().items() -%}
        {%- set name, arguments = head.split('(')[0], head.split('(')[1].strip(')').split(', ') -%}
        {%- do statements.append(
            adapter.dispatch('guard_function', 'retention_marts')(name, arguments, type, bodies[name])
        ) -%}
    {%- endfor -%}
    {{ return(statements + adapter.dispatch('guard_session', 'retention_marts')()) }}
{%- endmacro %}

{#- What else a session needs before it judges. -#}
{% macro default__guard_session() -%}
    {{ return([]) }}
{%- endmacro %}

{#- A macro may be an aggregate. -#}
{% macro duckdb__guard_session() -%}
    {%- set statements = [] -%}
    {%- for name, body in guard_aggregates().items() -%}
        {%- do statements.append(duckdb__guard_function(name, ['x'], none, body)) -%}
    {%- endfor -%}
    {{ return(statements) }}
{%- endmacro %}

{#- Texts of dates and numbers do not depend on the settings of the server. -#}
{% macro postgres__guard_session() -%}
    {{ return([
        "set local timezone = 'UTC'", "set local datestyle = 'ISO'", 'set local extra_float_digits = 1'
    ]) }}
{%- endmacro %}

{% macro default__guard_function(name, arguments, type, body) -%}
    {{ exceptions.raise_compiler_error('The guard is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__guard_function(name, arguments, type, body) -%}
    create or replace temp macro {{ name }}({{ arguments | join(', ') }}) as ({{ body }})
{%- endmacro %}

{#- In the schema of the session, so that builds with other vars never share them. Simple enough to be inlined. -#}
{% macro postgres__guard_function(name, arguments, type, body) -%}
    {%- set types = {'text': 'text', 'number': 'numeric', 'double': 'double precision'} -%}
    {%- set takes = {
        'x': 'anyelement', 'pattern': 'text', 'number': 'double precision', 'first_day': 'date', 'last_day': 'date'
    } -%}
    {%- set typed = [] -%}
    {%- for argument in arguments -%}
        {%- do typed.append(argument ~ ' ' ~ takes[argument]) -%}
    {%- endfor -%}
    create or replace function pg_temp.{{ name }}({{ typed | join(', ') }}) returns {{ types.get(type, type) }}
    language sql stable as $guard$ select {{ in_guard_words(body) }} $guard$
{%- endmacro %}

{% macro spark__guard_function(name, arguments, type, body) -%}
    {%- set types = {'text': 'string', 'number': 'decimal(38, 10)'} -%}
    {%- set takes = {'number': 'double', 'first_day': 'date', 'last_day': 'date'} -%}
    {%- set typed = [] -%}
    {%- for argument in arguments -%}
        {%- do typed.append(argument ~ ' ' ~ takes.get(argument, 'string')) -%}
    {%- endfor -%}
    create or replace temporary function {{ name }}({{ typed | join(', ') }}) returns {{ types.get(type, type) }}
    return {{ in_guard_words(body) }}
{%- endmacro %}

{#-
    SQL in the words of suites, as the engine takes it: aggregates are written out where no function may be one, and a
    word is called where it lives.
    Example: in_guard_words('select as_number(amount) from orders')
-#}
{% macro in_guard_words(sql) -%}
    {{ return(adapter.dispatch('in_guard_words', 'retention_marts')(sql)) }}
{%- endmacro %}

{% macro duckdb__in_guard_words(sql) -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro default__in_guard_words(sql) -%}
    {%- set written = [sql] -%}
    {%- for name, body in guard_aggregates().items() -%}
        {%- set template = modules.re.sub('\\bx\\b', '\\\\g<1>', body | replace('\\', '\\\\')) -%}
        {%- do written.append(modules.re.sub('\\b' ~ name ~ '\\((\\w+)\\)', template, written[-1])) -%}
    {%- endfor -%}
    {{ return(written[-1]) }}
{%- endmacro %}

{% macro postgres__in_guard_words(sql) -%}
    {%- set names = [] -%}
    {%- for head in guard_vocabulary() -%}
        {%- do names.append(head.split('(')[0]) -%}
    {%- endfor -%}
    {{ return(modules.re.sub(
        '(?<![.\\w])(' ~ names | join('|') ~ ')\\(', 'pg_temp.\\1(', default__in_guard_words(sql)
    )) }}
{%- endmacro %}

{#- Texts are written as Spark does, which reads a backslash and a doubled quote otherwise. -#}
{% macro spark__in_guard_words(sql) -%}
    {%- set written = [] -%}
    {%- for piece in modules.re.split("('(?:[^']|'')*')", default__in_guard_words(sql)) -%}
        {%- do written.append(piece if loop.index is odd else spark__sql_text(piece[1:-1] | replace("''", "'"))) -%}
    {%- endfor -%}
    {{ return(written | join) }}
{%- endmacro %}

{#-
    What each word is made of, on engines that try to cast by asking for the shape first: their casts read words such as
    now, take part of a value, or stop the build. An instant is yyyy-mm-dd, alone or with a time in UTC.
-#}
{% macro default__guard_bodies() -%}
    {%- set as_of_date = "cast('" ~ var('as_of_date') ~ "' as date)" if var('as_of_date') else 'cast(null as date)' -%}
    {%- set number = '^\\s*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]{1,2})?\\s*$' -%}
    {%- set leap_year = '([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)' -%}
    {%- set instant_shape = '^\\s*(?!0000)('
        ~ '[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)'
        ~ '|02-(0[1-9]|1[0-9]|2[0-8]))|' ~ leap_year ~ '-02-29)'
        ~ '([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?(Z| ?UTC|[+]00(:?00)?)?)?\\s*$' -%}
    {{ return({
        'as_text': 'cast(x as ' ~ dbt.type_string() ~ ')',
        'plain_text': plain_text('x'),
        'as_number': "case when matches(x, '" ~ number ~ "') then"
            ~ ' case when abs(cast(as_text(x) as decimal(38, 10))) < 1e28 then cast(as_text(x) as decimal(38, 10)) end'
            ~ ' end',
        'as_double': 'cast(as_number(x) as ' ~ type_double() ~ ')',
        'is_whole_number': 'coalesce(as_number(x) = floor(as_number(x))'
            ~ ' and abs(as_number(x)) < 9223372036854775807, false)',
        'two_decimals': 'round(cast(number as decimal(38, 10)), 2)',
        'is_instant': "coalesce(matches(x, '" ~ instant_shape ~ "'), false)",
        'as_timestamp': 'case when is_instant(x) then cast(as_text(x) as timestamp) end',
        'as_instant': 'case when is_instant(x) then ' ~ instant('as_text(x)') ~ ' end',
        'as_end': 'case when is_instant(x) then ' ~ end_instant('as_text(x)') ~ ' end',
        'as_local': reporting_time('as_instant(x)'),
        'as_date': business_date('as_instant(x)'),
        'days_between': 'last_day - first_day',
        'is_known': 'coalesce(as_date(x) < ' ~ as_of_date ~ ', true)',
        'is_countable': 'plain_text(x) in (' ~ standard_texts(countable_statuses()) ~ ')',
        'reads_like_missing': 'as_text(x) in (' ~ words_for_missing() ~ ')'
    }) }}
{%- endmacro %}

{#- DuckDB tries casts, and knows of a value whether it is text. -#}
{% macro duckdb__guard_bodies() -%}
    {{ return(dict(default__guard_bodies(), **{
        'matches': 'regexp_matches(cast(x as varchar), pattern)',
        'as_number': "case when typeof(x) <> 'BOOLEAN' and not contains(cast(x as varchar), '_')"
            ~ ' then try_cast(x as decimal(38, 10)) end',
        'as_double': 'try_cast(x as double)',
        'is_whole_number': 'coalesce(as_number(x) = try_cast(x as bigint), false)',
        'two_decimals': 'round(number, 2)',
        'is_instant': "try_cast(x as timestamp) is not null and (typeof(x) <> 'VARCHAR'"
            ~ " or not regexp_matches(cast(x as varchar), ':.*[-+a-yA-Y]')"
            ~ " or regexp_matches(cast(x as varchar), '^[^:]*:[^-+a-zA-Z]*( UTC|[+]00(:00)?)$'))",
        'as_timestamp': 'try_cast(x as timestamp)',
        'as_instant': 'try(' ~ instant('x') ~ ')',
        'as_end': 'try(' ~ end_instant('x') ~ ')',
        'as_local': 'try(' ~ reporting_time(instant('x')) ~ ')',
        'as_date': 'try(' ~ business_date(instant('x')) ~ ')',
        'fingerprint': 'hash(x)'
    })) }}
{%- endmacro %}

{% macro postgres__guard_bodies() -%}
    {{ return(dict(default__guard_bodies(), **{
        'matches': 'as_text(x) ~ pattern',
        'as_number': default__guard_bodies()['as_number']
            | replace('cast(as_text(x) as decimal(38, 10))', 'round(cast(as_text(x) as numeric), 10)'),
        'fingerprint': 'hashtextextended(as_text(x), 0)'
    })) }}
{%- endmacro %}

{#- What has the shape may still be beyond what Spark reads; a text ends before its last line end there. -#}
{% macro spark__guard_bodies() -%}
    {%- set bodies = default__guard_bodies() -%}
    {{ return(dict(bodies, **{
        'matches': "as_text(x) rlike regexp_replace(pattern, '[$]$', '\\\\z')",
        'as_number': bodies['as_number'] | replace('cast(as_text(x)', 'try_cast(as_text(x)'),
        'is_instant': bodies['is_instant'] ~ ' and try_cast(x as timestamp) is not null',
        'days_between': 'datediff(last_day, first_day)',
        'fingerprint': 'xxhash64(x)'
    })) }}
{%- endmacro %}

{#- What many tools write for nothing, as a SQL list. -#}
{% macro words_for_missing() -%}
    {%- for word in [
        'nan', '-nan', 'nat', 'null', '<null>', '(null)', '[null]', 'none', '<none>', '(none)', 'nil', 'na',
        '<na>', 'n/a', '#na', '#n/a', '#n/a n/a', 'undefined', 'missing', 'unknown', '(blank)'
    ] -%}
        '{{ word }}', '{{ word | upper }}', '{{ word | capitalize }}',{{ ' ' }}
    {%- endfor -%}
    'NaN', '-NaN', 'NaT', '1.#IND', '-1.#IND', '1.#QNAN', '-1.#QNAN', '\N', '-', '--', '?',
    '', ' ', chr(9), '{{ "\u00a0" }}', '{{ "\u3000" }}'
{%- endmacro %}
