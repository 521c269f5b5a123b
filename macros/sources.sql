{#-
    The shapes that vendors' data are read in: the raw tables that each delivers, and which tables or files must be there,
    each entry one or several of which one is enough. A shape is a folder of models/sources.
-#}
{% macro source_types() -%}
    {%- set everything = ['customers', 'plans', 'subscriptions', 'orders'] -%}
    {{ return({
        'chargebee_airbyte': {
            'delivers': everything, 'options': ['one_off_invoices'],
            'required': [['customer'], ['subscription'], ['item_price', 'plan']]
        },
        'recurly_fivetran': {
            'delivers': everything, 'options': ['one_off_invoices'],
            'required': [['account_history'], ['subscription_history'], ['plan_history'], ['plan_currency_history']]
        },
        'shopify_csv': {
            'delivers': ['customers', 'orders'], 'required': [['orders_export']]
        },
        'shopify_fivetran': {
            'delivers': ['customers', 'orders'], 'required': [['order']]
        },
        'stripe_fivetran': {
            'delivers': everything, 'options': ['acquisition_channel'],
            'required': [['customer'], ['subscription_history'], ['subscription_item'], ['price', 'plan']]
        },
        'plan_events': {
            'delivers': ['customers', 'plans', 'subscriptions'], 'required': [['plan_events'], ['plans']]
        },
        'month_snapshots': {
            'delivers': ['customers', 'plans', 'subscriptions'], 'required': [['month_snapshots']]
        }
    }) }}
{%- endmacro %}

{#-
    The sources of the var billing_sources in the order of their names, or those of one type: name, type, schema and
    database, or location.
-#}
{% macro billing_sources(type=none) -%}
    {%- set sources = [] -%}
    {%- if var('billing_sources') is mapping -%}
        {%- for name, settings in var('billing_sources').items() | sort if settings is mapping -%}
            {%- if type is none or settings.type == type -%}
                {%- do sources.append(dict(settings, name=name)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(sources) }}
{%- endmacro %}

{#-
    The names of the sources of a type for which an option is true, as a SQL list.
    Example: source_name in ({{ sources_with('chargebee_airbyte', 'one_off_invoices') }})
-#}
{% macro sources_with(type, option) -%}
    {{ text_list(billing_sources(type) | selectattr(option, 'defined') | selectattr(option) | map(attribute='name') | list) }}
{%- endmacro %}

{#-
    The types of the named sources that deliver a raw table, or all of them.
    Example: {% for type in types_in_use('orders') %}
-#}
{% macro types_in_use(table=none) -%}
    {%- set types = [] -%}
    {%- for source in billing_sources() if source.type in source_types() -%}
        {%- if table is none or table in source_types()[source.type].delivers + ['reconciliation'] -%}
            {%- do types.append(source.type) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(types | unique | list) }}
{%- endmacro %}

{#-
    The rows of a raw table from all sources, as the models <type>_<table> make them, with the columns named and their
    source_type; of a table that no source delivers, none. The table may be `reconciliation`.
    Example: select * from {{ from_all_sources('plans', ['source_name', 'plan_id']) }} as plans
-#}
{% macro from_all_sources(table, columns) -%}
    (
        {%- for type in types_in_use(table) %}
        select '{{ type }}' as source_type, {{ columns | join(', ') }} from {{ ref(type ~ '_' ~ table) }}
        {{- ' union all' if not loop.last }}
        {%- else %}
        select
            {%- for column in ['source_type'] + columns %}
            cast(null as {{ dbt.type_string() }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
        {%- endfor %}
    )
{%- endmacro %}

{#-
    One vendor's table as all sources of its type hold it, in the form that mappings read: the columns that the calling
    model's YAML names, of its data types, beside source_name and loaded_at, when the loader wrote the row. Names are
    compared without case and without what is no letter or digit, so that "Created at" is created_at. A column or
    table that a source lacks is empty: see say_what_sources_lack; a column whose meta says that it is needed must be
    there.
    Example: {{ vendor_table('shopify_csv', 'orders_export') }}
-#}
{% macro vendor_table(type, table) -%}
    {%- if not execute -%}
        {{ return('select 1 as source_name') }}
    {%- endif -%}
    {%- set selects = [] -%}
    {%- for source in billing_sources(type) -%}
        {%- set relation = vendor_relation(source, table) -%}
        {%- set delivered = columns_by_plain_name(relation) -%}
        {%- set needed, columns = [], [] -%}
        {%- for column in vendors_columns(model) -%}
            {%- set found = delivered.get(plain_name(column.name)) -%}
            {%- do needed.append(column.name) if relation and column.config.meta.needed and not found -%}
            {%- do columns.append(vendor_value(found, column.data_type) ~ ' as ' ~ column.name) -%}
        {%- endfor -%}
        {%- if needed -%}
            {{ exceptions.raise_compiler_error(
                'billing_sources: ' ~ source.name ~ ': ' ~ type ~ ' needs ' ~ needed | join(', ') ~ ' in ' ~ table
                ~ ', which has ' ~ delivered.values() | map(attribute='name') | join(', ')
            ) }}
        {%- endif -%}
        {%- set loaded_at = namespace(column=none) -%}
        {%- for name in loaders_columns() if plain_name(name) in delivered and not loaded_at.column -%}
            {%- set loaded_at.column = delivered[plain_name(name)] -%}
        {%- endfor -%}
        {%- do selects.append(
            "select\n    '" ~ source.name ~ "' as source_name,\n    "
            ~ vendor_value(loaded_at.column, 'timestamp') ~ ' as loaded_at,\n    '
            ~ columns | join(',\n    ')
            ~ ('\nfrom ' ~ relation if relation else '\nwhere false')
        ) -%}
    {%- endfor -%}
    {{ return(selects | join('\nunion all\n')) }}
{%- endmacro %}

{#- The columns that a model of a vendor's table reads, as its YAML has them: all but our own two. -#}
{% macro vendors_columns(node) -%}
    {{ return(node.columns.values() | rejectattr('name', 'in', ['source_name', 'loaded_at']) | list) }}
{%- endmacro %}

{#- The columns in which loaders say when they wrote a row: Fivetran, Airbyte, Stitch, dlt. -#}
{% macro loaders_columns() -%}
    {{ return([
        '_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_sdc_batched_at', '_dlt_load_id'
    ]) }}
{%- endmacro %}

{#- A name as names are compared: `Created at` and `created_at` are one. -#}
{% macro plain_name(name) -%}
    {{ return(modules.re.sub('[^a-z0-9]+', '_', name | lower).strip('_')) }}
{%- endmacro %}

{#-
    Where a source holds one of its tables, whatever the case of its name: a relation, the text of a query of files, or
    none where it is missing.
-#}
{% macro vendor_relation(source, table) -%}
    {%- if not source.location -%}
        {%- set database = source.database or target.database -%}
        {%- set query -%}
            select table_schema, table_name
            from information_schema.tables
            where table_catalog = {{ sql_text(database) }} and lower(table_schema) = {{ sql_text(source.schema | string | lower) }}
                and lower(table_name) = {{ sql_text(table) }}
        {%- endset -%}
        {%- for row in run_query(query) -%}
            {{ return(api.Relation.create(database=database, schema=row[0], identifier=row[1])) }}
        {%- endfor -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set path = source.location | replace('{file}', table) -%}
    {%- set found = look_at_files(path) -%}
    {%- if not found.files -%}
        {{ return(none) }}
    {%- elif found.problem -%}
        {{ exceptions.raise_compiler_error('billing_sources: ' ~ source.name ~ ': ' ~ found.problem) }}
    {%- endif -%}
    {{ return(files_as_delivered(path, found.separator)) }}
{%- endmacro %}

{#- The columns of a relation or of a query of files: how each is called and of what type, by its plain name. -#}
{% macro columns_by_plain_name(relation) -%}
    {%- set columns = {} -%}
    {%- if relation -%}
        {%- for row in run_query('describe select * from ' ~ relation) -%}
            {%- do columns.setdefault(plain_name(row[0]), {'name': row[0], 'type': row[1] | upper}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{#-
    A column as delivered, of the data type that a mapping wants; null where it is missing or an empty text. An instant
    is UTC: a text with an offset is converted, a number is seconds since 1970.
-#}
{% macro vendor_value(column, data_type) -%}
    {%- if not column -%}
        {{ return('cast(null as ' ~ data_type ~ ')') }}
    {%- endif -%}
    {%- set value, type = adapter.quote(column.name), column.type -%}
    {%- set is_text = type == 'VARCHAR' -%}
    {%- set text = 'nullif(' ~ (value if is_text else 'cast(' ~ value ~ ' as varchar)') ~ ", '')" -%}
    {%- if type in ['DOUBLE', 'FLOAT'] -%}
        {%- set text = 'regexp_replace(' ~ text ~ ", '[.]0$', '')" -%}
    {%- endif -%}
    {%- set is_exact = 'INT' in type or type.startswith('DECIMAL') -%}
    {%- set number = 'cast(' ~ (
        text if is_text else value if is_exact else 'cast(' ~ value ~ ' as varchar)'
    ) ~ ' as decimal(38, 10))' -%}
    {%- set is_nested = type.endswith('[]') or type.startswith('STRUCT') or type.startswith('MAP') -%}
    {%- if data_type == 'varchar' -%}
        {{ return('cast(to_json(' ~ value ~ ') as varchar)' if is_nested else text) }}
    {%- elif data_type == 'json' -%}
        {{ return('cast(' ~ text ~ ' as json)' if is_text or type == 'JSON' else 'to_json(' ~ value ~ ')') }}
    {%- elif data_type == 'decimal(38, 10)' -%}
        {{ return(number) }}
    {%- elif data_type == 'bigint' -%}
        {{ return('cast(' ~ (value if 'INT' in type else number) ~ ' as bigint)') }}
    {%- elif data_type == 'timestamp' -%}
        {{ return(vendor_instant(value, type, text, number)) }}
    {%- elif data_type == 'date' and type not in ['DATE', 'VARCHAR'] -%}
        {{ return('cast(' ~ vendor_instant(value, type, text, number) ~ ' as date)') }}
    {%- else -%}
        {{ return('cast(' ~ (text if is_text else value) ~ ' as ' ~ data_type ~ ')') }}
    {%- endif -%}
{%- endmacro %}

{#- An instant of a vendor's column in UTC. -#}
{% macro vendor_instant(value, type, text, number) -%}
    {%- if type == 'TIMESTAMP WITH TIME ZONE' -%}
        {{ return('cast(' ~ value ~ " at time zone 'UTC' as timestamp)") }}
    {%- elif type == 'VARCHAR' -%}
        {%- set offset = ':[0-9.]+ *(Z|UTC|[-+][0-9]{2}(:?[0-9]{2})?)$' -%}
        {{ return(
            'case'
            ~ ' when regexp_full_match(' ~ text ~ ", '-?[0-9]+([.][0-9]+)?') then make_timestamp(cast(" ~ number
            ~ ' * 1000000 as bigint))'
            ~ ' when regexp_matches(' ~ text ~ ", '" ~ offset ~ "') then cast(cast(regexp_replace(regexp_replace(" ~ text
            ~ ", ' +([-+])', '\\1'), '([-+][0-9]{2})([0-9]{2})$', '\\1:\\2') as timestamptz) at time zone 'UTC' as"
            ~ ' timestamp)'
            ~ ' else cast(' ~ text ~ ' as timestamp) end'
        ) }}
    {%- elif type.startswith('TIMESTAMP') or type == 'DATE' -%}
        {{ return('cast(' ~ value ~ ' as timestamp)') }}
    {%- else -%}
        {{ return('make_timestamp(cast(' ~ number ~ ' * 1000000 as bigint))') }}
    {%- endif -%}
{%- endmacro %}

{#-
    A field of a JSON object of the vendor's, of the data type that a mapping wants; null where it is missing.
    Example: {{ json_value('content', 'trial_end', 'timestamp') }} as trial_end
-#}
{% macro json_value(object, field, data_type='varchar') -%}
    {{ adapter.dispatch('json_value', 'retention_marts')(object, "'" ~ field ~ "'", data_type) }}
{%- endmacro %}

{% macro default__json_value(object, field, data_type) -%}
    {{ not_written('json_value') }}
{%- endmacro %}

{% macro duckdb__json_value(object, field, data_type) -%}
    {%- set text = 'nullif((' ~ object ~ ' ->> ' ~ field ~ "), '')" -%}
    {%- if data_type == 'json' -%}
        nullif({{ object }} -> {{ field }}, cast('null' as json))
    {%- elif data_type == 'timestamp' -%}
        {{ vendor_instant(text, 'VARCHAR', text, 'cast(' ~ text ~ ' as decimal(38, 10))') }}
    {%- else -%}
        cast({{ text }} as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{#-
    The elements of a JSON array, a row each; none of null.
    Example: select subscription_id, {{ json_elements('coupons') }} as coupon
-#}
{% macro json_elements(array) -%}
    {{ adapter.dispatch('json_elements', 'retention_marts')(array) }}
{%- endmacro %}

{% macro default__json_elements(array) -%}
    {{ not_written('json_elements') }}
{%- endmacro %}

{% macro duckdb__json_elements(array) -%}
    unnest(cast({{ array }} as json[]))
{%- endmacro %}

{#-
    Stops before the first model where the var billing_sources names what is not there: a type, a schema, a table or
    file. Runs on-run-start.
-#}
{% macro check_billing_sources() -%}
    {%- set problems = [] -%}
    {%- if var('customer_identity') not in ['id', 'email'] -%}
        {%- do problems.append("customer_identity is id or email, not '" ~ var('customer_identity') ~ "'") -%}
    {%- endif -%}
    {%- if var('billing_sources') and var('billing_sources') is not mapping -%}
        {%- do problems.append(
            "billing_sources names sources, such as {billing: {type: stripe_fivetran, schema: stripe}}, not '"
            ~ var('billing_sources') ~ "'"
        ) -%}
    {%- else -%}
        {%- for name, settings in (var('billing_sources') or {}).items() if execute -%}
            {%- do problems.extend(problems_of_source(name, settings)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error(
            'Sources that cannot be read:\n  ' ~ problems | join('\n  ')
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- What is wrong with one entry of the var billing_sources, a sentence each. -#}
{% macro problems_of_source(name, settings) -%}
    {%- set types = source_types() -%}
    {%- set is_mapping = settings is mapping -%}
    {%- set type = types.get(settings.type) if is_mapping else none -%}
    {%- set known = ['type', 'schema', 'database', 'location'] + (type.options or [] if type else []) -%}
    {%- if not modules.re.match('^[A-Za-z0-9_-]+$', name | string) -%}
        {{ return(["billing_sources: a source is named by letters and digits, not '" ~ name ~ "'"]) }}
    {%- elif not is_mapping or not settings.type -%}
        {{ return(['billing_sources: ' ~ name ~ ' needs a type: ' ~ types | join(', ')]) }}
    {%- elif not type -%}
        {{ return([
            "billing_sources: " ~ name ~ ": there is no type '" ~ settings.type ~ "'; there are " ~ types | join(', ')
        ]) }}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- for option in settings if option not in known -%}
        {%- do problems.append(
            'billing_sources: ' ~ name ~ ': ' ~ settings.type ~ ' knows no ' ~ option ~ '; it takes '
            ~ known | join(', ')
        ) -%}
    {%- endfor -%}
    {%- if (settings.schema and settings.location) or not (settings.schema or settings.location) -%}
        {%- do problems.append(
            'billing_sources: ' ~ name ~ ' needs a schema, where its tables are, or a location, where its files are'
        ) -%}
    {%- elif settings.location -%}
        {%- do problems.extend(problems_of_files(name, settings, type)) -%}
    {%- else -%}
        {%- do problems.extend(problems_of_schema(name, settings, type)) -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}

{#- What is wrong with the export files of a source. -#}
{% macro problems_of_files(name, settings, type) -%}
    {%- set problems = [] -%}
    {%- if '{file}' not in settings.location or settings.location.split('.')[-1] not in ['csv', 'parquet'] -%}
        {{ return([
            'billing_sources: ' ~ name ~ ": location must be a path with {file} in it that ends in .csv or .parquet, such as "
            ~ "'exports/shop/{file}.csv'; it is '" ~ settings.location ~ "'"
        ]) }}
    {%- endif -%}
    {%- for names in type.required -%}
        {%- set missing = [] -%}
        {%- for file in names -%}
            {%- set path = settings.location | replace('{file}', file) -%}
            {%- if not run_query('select count(*) from glob(' ~ sql_text(path) ~ ')')[0][0] -%}
                {%- do missing.append('there is no file ' ~ path) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing | length == names | length -%}
            {%- do problems.append('billing_sources: ' ~ name ~ ': ' ~ missing | join(', and ')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}

{#- What is wrong with the schema of a source. -#}
{% macro problems_of_schema(name, settings, type) -%}
    {%- set database = settings.database or target.database -%}
    {%- set tables = {} -%}
    {%- set query -%}
        select table_schema, table_name
        from information_schema.tables
        where table_catalog = '{{ database }}' and table_schema not in (
            'information_schema', 'pg_catalog', 'raw', {{ text_list(own_schemas()) }}
        )
        order by table_schema, table_name
    {%- endset -%}
    {%- for row in run_query(query) -%}
        {%- do tables.setdefault(row[0] | lower, []).append(row[1] | lower) -%}
    {%- endfor -%}
    {%- set schema = settings.schema | string | lower -%}
    {%- if not tables -%}
        {{ return(['billing_sources: ' ~ name ~ ': there are no tables in the database ' ~ database]) }}
    {%- elif schema not in tables -%}
        {{ return([
            'billing_sources: ' ~ name ~ ': there is no schema ' ~ settings.schema ~ ' with tables in ' ~ database
            ~ '; there are ' ~ tables | join(', ')
        ]) }}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- for names in type.required if not names | select('in', tables[schema]) | list -%}
        {%- do problems.append(
            'billing_sources: ' ~ name ~ ': ' ~ settings.type ~ ' needs ' ~ names | join(' or ') ~ ', and schema '
            ~ settings.schema ~ ' has ' ~ tables[schema] | join(', ')
        ) -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}

{#-
    The e-mail address of a customer as an id, null where there is none: a guest.
    Example: {{ address_id('email') }} as customer_id
-#}
{% macro address_id(address) -%}
    nullif({{ plain_text(address) }}, '')
{%- endmacro %}

{#-
    The part of the money given back that is no tax: refunded x (total - tax) / total, exact, rounded to six decimals.
    Example: {{ without_tax('refunded', 'total', 'tax') }} as refunded_amount
-#}
{% macro without_tax(refunded, total, tax) -%}
    case
        when {{ total }} > 0 and {{ total }} > {{ tax }} then {{ millionths(
            'cast((' ~ refunded ~ ') * 1000000 as decimal(19, 0)) * cast((' ~ total ~ ' - ' ~ tax ~ ') * 1000000 as decimal(19, 0))',
            'cast((' ~ total ~ ') * 1000000 as decimal(38, 0))'
        ) }}
        else 0
    end
{%- endmacro %}

{#-
    What a reconciliation says of a raw table: per source, how many rows of the vendor's were read, how many of them each
    condition sets aside, when the newest was loaded, and the vendor's own MRR.
    Example: {{ rows_read('orders', ref('shopify_fivetran__order'), test='test') }}
-#}
{% macro rows_read(
    raw_table, relation, test='false', deleted='false', never_started='false', loaded_at='max(loaded_at)',
    vendor_mrr='null'
) -%}
    select
        source_name,
        '{{ raw_table }}' as raw_table,
        count(*) as rows_read,
        count(*) filter (where {{ test }}) as rows_test,
        count(*) filter (where {{ deleted }}) as rows_deleted,
        count(*) filter (where {{ never_started }}) as rows_never_started,
        {{ loaded_at }} as loaded_at,
        cast({{ vendor_mrr }} as decimal(38, 6)) as vendor_mrr
    from {{ relation }} as vendor_rows
    group by source_name
{%- endmacro %}

{#-
    The status of an order of Shopify's: what is paid and not cancelled is completed, everything else keeps its word.
    Example: {{ shopify_status('cancelled_at', 'financial_status') }} as status
-#}
{% macro shopify_status(cancelled_at, financial_status) -%}
    case
        when {{ cancelled_at }} is not null then 'cancelled'
        when lower({{ financial_status }}) in ('paid', 'partially_refunded') then 'completed'
        else lower({{ financial_status }})
    end
{%- endmacro %}

{#- The raw rows of a table of customers of one's own, <type>__customers. -#}
{% macro own_customers(type) -%}
    select
        source_name,
        customer_id,
        {{ instant('created_at') }} as created_at,
        country,
        acquisition_channel,
        email
    from {{ ref(type ~ '__customers') }}
{%- endmacro %}

{#- The sentences about sources that were loaded a week before another one, unless as_of_date is set. -#}
{% macro sources_that_lag_behind() -%}
    {%- if not var('as_of_date') -%}
        select
            source_name || ' is known until ' || cast(known_until as varchar) || ' and '
            || (select max_by(source_name, known_until) from {{ this }}) || ' until '
            || cast((select max(known_until) from {{ this }}) as varchar)
            || ': as_of_date is the earlier day. Load it again, or set as_of_date' as sentence
        from {{ this }}
        where known_until <= (select max(known_until) from {{ this }}) - 7
    {%- endif -%}
{%- endmacro %}

{#-
    Warns of each sentence that a query finds, as the guard warns: in the log, at the end of the build and in
    data_quality. A hook after a model.
-#}
{% macro remark(query) -%}
    {%- if execute and query | trim -%}
        {%- for sentence in run_query(query).columns[0].values() -%}
            {%- set message = 'warning: ' ~ sentence -%}
            {%- do exceptions.warn(message) -%}
            {%- set result -%}
                (
                    build_id, checked_at, raw_table, expectation, description, severity, is_success, message
                )
                select
                    {{ sql_text(invocation_id) }},
                    {{ utc_now() }},
                    'sources',
                    {{ sql_text(this.name) }},
                    {{ sql_text(sentence) }},
                    'warning',
                    false,
                    {{ sql_text(message) }}
            {%- endset -%}
            {%- do write_quality('expectation_results', 'sources', result) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#-
    Stops the model before it is built, with the sentence that a query finds. A hook before a model.
-#}
{% macro refuse(query) -%}
    {%- if execute -%}
        {%- for sentence in run_query(query).columns[0].values() -%}
            {{ exceptions.raise_compiler_error(sentence) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#-
    The sentences about sources of Stripe in which no charge is known to pay an invoice, so that payments of subscriptions
    cannot be distinguished from orders.
-#}
{% macro payments_like_orders() -%}
    select
        source_name || ': no charge names its invoice and no invoice its charge, so that payments of subscriptions cannot '
        || 'be distinguished from orders. Load invoice_id of charge, or charge_id or payment_intent_id of invoice; or set '
        || 'subscription_invoices_are_orders: true' as sentence
    from {{ ref('stripe_fivetran__charge') }}
    where not {{ var('subscription_invoices_are_orders') }}
        and source_name in (
            select source_name from {{ ref('stripe_fivetran__invoice') }} where subscription_id is not null
        )
        and source_name not in (select source_name from {{ ref('stripe_fivetran__unnamed_invoices') }})
    group by source_name
    having count(invoice_id) = 0
{%- endmacro %}

{#-
    Says which tables and columns a source lacks, so that they are read as empty, a line per source. Of required tables
    that stand for one another, and of columns with the same `one_of` in their YAML, one is enough. A hook after
    source_loads.
-#}
{% macro say_what_sources_lack() -%}
    {%- for source in billing_sources() if execute -%}
        {%- set lacking, needless = [], [] -%}
        {%- for names in source_types()[source.type].required if names | length > 1 -%}
            {%- do needless.extend(names) -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values() | sort(attribute='name')
            if node.name.startswith(source.type ~ '__') and 'loaded_at' in node.columns -%}
            {%- set table = node.name.split('__')[1] -%}
            {%- set relation = vendor_relation(source, table) -%}
            {%- set delivered = columns_by_plain_name(relation) -%}
            {%- set found, missing = [], [] -%}
            {%- for column in vendors_columns(node) -%}
                {%- set kind = column.config.meta.one_of or column.name -%}
                {%- if plain_name(column.name) in delivered -%}
                    {%- do found.append(kind) -%}
                {%- else -%}
                    {%- do missing.append([kind, column.name]) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- set names = missing | rejectattr(0, 'in', found) | map(attribute=1) | join(', ') -%}
            {%- if relation and names -%}
                {%- do lacking.append(table ~ ' (' ~ names ~ ')') -%}
            {%- elif not relation and table not in needless -%}
                {%- do lacking.append(table) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if lacking -%}
            {%- do log(source.name ~ ' (' ~ source.type ~ ') lacks, read as empty: ' ~ lacking | join(', '), info=true) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Says once per type which facts it keeps only as they are now, or not at all. A hook after source_loads. -#}
{% macro say_what_sources_cannot_tell() -%}
    {%- for type in types_in_use() if execute -%}
        {%- set query -%}
            select fact
            from {{ ref('source_capabilities') }}
            where type = '{{ type }}' and level in ('current', 'none')
        {%- endset -%}
        {%- do log(
            type ~ ' cannot tell: ' ~ run_query(query).columns[0].values() | join(', ') ~ '. In words: '
            ~ ref('source_capabilities').schema ~ '.source_capabilities', info=true
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The sentences about sources whose MRR now is more than one per cent off the vendor's own figure. -#}
{% macro mrr_unlike_the_vendors() -%}
    select
        source_name || ': MRR now is ' || cast(cast(mrr as decimal(38, 2)) as varchar) || ', and by the vendor''s own figure '
        || cast(cast(vendor_mrr as decimal(38, 2)) as varchar) as sentence
    from {{ this }}
    where vendor_mrr is not null and abs(coalesce(mrr, 0) - vendor_mrr) > 0.01 * vendor_mrr
{%- endmacro %}

{#- The plan of a row of month_snapshots: one per name and currency. -#}
{% macro snapshot_plan() -%}
    coalesce(plan, 'unknown') || coalesce('@' || upper(currency), '')
{%- endmacro %}

{#- The first day of the month of a row of month_snapshots: of 2024-05, or of any day of it. -#}
{% macro snapshot_month() -%}
    cast({{ dbt.date_trunc('month', "cast(case when length(month) = 7 then month || '-01' else month end as date)") }} as date)
{%- endmacro %}
