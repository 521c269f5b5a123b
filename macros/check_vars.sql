{#- The vars that something reads: those of dbt_project.yml. -#}
{% macro known_vars() -%}
    {{ return([
        'raw_location', 'csv_separator', 'raw_schema', 'raw_database', 'billing_sources', 'customer_identity',
        'subscription_invoices_are_orders', 'as_of_date', 'latest_future_days',
        'ended_at_is_inclusive', 'reporting_timezone', 'reporting_currency', 'fiscal_year_start_month', 'segments',
        'max_segment_values', 'countable_order_statuses', 'gross_margin', 'new_customer_days', 'renewal_grace_days',
        'inactivity_days', 'single_purchase_days', 'declining_days', 'trial_conversion_days', 'low_sample_customers',
        'company_stage', 'restatement_limit', 'accept_restatement'
    ]) }}
{%- endmacro %}

{#-
    Stops before the first model where a var cannot mean anything, or where nothing reads it: a var with a typing error
    would otherwise go unnoticed, and the demo be built for a misspelt raw_location. Runs on-run-start.
-#}
{% macro check_vars() -%}
    {%- set known = known_vars() -%}
    {%- set problems = [] -%}

    {%- set as_of_date = var('as_of_date') -%}
    {%- if as_of_date and not is_date(as_of_date | string) -%}
        {%- do problems.append("as_of_date is a date such as 2024-07-01, not '" ~ as_of_date ~ "'") -%}
    {%- endif -%}
    {%- if var('fiscal_year_start_month') not in range(1, 13) -%}
        {%- do problems.append(
            "fiscal_year_start_month is a whole number from 1 to 12, not '" ~ var('fiscal_year_start_month') ~ "'"
        ) -%}
    {%- endif -%}
    {%- if var('reporting_timezone') not in modules.pytz.all_timezones -%}
        {%- do problems.append(
            "reporting_timezone is a name such as Europe/Berlin, not '" ~ var('reporting_timezone') ~ "'"
        ) -%}
    {%- endif -%}
    {%- if not modules.re.match('^[A-Za-z]{3}$', var('reporting_currency') | string) -%}
        {%- do problems.append("reporting_currency is a code such as USD, not '" ~ var('reporting_currency') ~ "'") -%}
    {%- endif -%}
    {%- if var('gross_margin') is not number -%}
        {%- do problems.append("gross_margin is a number such as 0.8, not '" ~ var('gross_margin') ~ "'") -%}
    {%- endif -%}
    {%- if var('restatement_limit') is not number or var('restatement_limit') < 0 -%}
        {%- do problems.append(
            "restatement_limit is a share such as 0.1, not '" ~ var('restatement_limit') ~ "'"
        ) -%}
    {%- endif -%}
    {%- for name in ['accept_restatement', 'ended_at_is_inclusive', 'subscription_invoices_are_orders']
        if var(name) is not boolean -%}
        {%- do problems.append(name ~ " is true or false, not '" ~ var(name) ~ "'") -%}
    {%- endfor -%}
    {#- Nobody is lost after zero days, and a segment has at least one value. -#}
    {%- set minima = {'inactivity_days': 1, 'single_purchase_days': 1, 'max_segment_values': 1} -%}
    {%- for name in known if name.endswith('_days') or name in ['low_sample_customers', 'max_segment_values'] -%}
        {%- if var(name) is not integer or var(name) < minima.get(name, 0) -%}
            {%- do problems.append(
                name ~ ' is a whole number >= ' ~ minima.get(name, 0) ~ ", not '" ~ var(name) ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if var('company_stage') not in ['established', 'young'] -%}
        {%- do problems.append("company_stage is established or young, not '" ~ var('company_stage') ~ "'") -%}
    {%- endif -%}
    {%- for name in ['segments', 'countable_order_statuses'] if var(name) is string or var(name) is not iterable -%}
        {%- do problems.append(name ~ " is a list, such as [" ~ var(name) ~ "], not '" ~ var(name) ~ "'") -%}
    {%- endfor -%}
    {%- for name in customer_segments() if '+' in name and var('segments') is not string -%}
        {%- for part in name.split('+') if part == '' or part | lower in ['all'] + plan_segments() -%}
            {%- do problems.append(
                "segments: a crossing is of columns of customers, such as country+industry; '" ~ name ~ "' is none"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if var('raw_schema') in own_schemas() and (var('raw_database') or target.database) == target.database -%}
        {%- do problems.append("raw_schema cannot be '" ~ var('raw_schema') ~ "': the build writes to it") -%}
    {%- endif -%}
    {%- if var('raw_database') and not var('raw_schema') -%}
        {%- do problems.append("raw_database says where raw_schema is; raw_schema is missing") -%}
    {%- endif -%}
    {%- if target.database in ['raw'] + own_schemas() -%}
        {%- do problems.append(
            "a warehouse called " ~ target.database ~ " cannot be distinguished from its schema " ~ target.database
            ~ "; RETENTION_WAREHOUSE names another file"
        ) -%}
    {%- endif -%}
    {%- if execute -%}
        {%- set answer = ask_publication('check_var_names', {
            'given': (invocation_args_dict.get('vars') or {}).keys() | list,
            'known': known,
            'project_folder': invocation_args_dict.project_dir,
            'is_root': project_name == 'retention_marts'
        }, stops=false) -%}
        {%- do problems.extend(answer.lines) -%}
    {%- endif -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error('Vars that cannot be used:\n  ' ~ problems | join('\n  ')) }}
    {%- endif -%}
{%- endmacro %}

{#- The schemas that a build writes to, but for raw, which may hold tables of the user as well. -#}
{% macro own_schemas() -%}
    {{ return(['quality', 'reference', 'sources', 'staging', 'intermediate', 'marts']) }}
{%- endmacro %}

{#- Whether a text is a day of the calendar, from 1900 to 2199, written like 2024-07-01. -#}
{% macro is_date(text) -%}
    {%- set parts = modules.re.match('^((?:19|20|21)\\d{2})-(0[1-9]|1[0-2])-(\\d{2})$', text) -%}
    {%- if parts -%}
        {%- set year, month, day = parts.group(1) | int, parts.group(2) | int, parts.group(3) | int -%}
        {%- set counted = modules.datetime.date(year, month, 1) + modules.datetime.timedelta(days=day - 1) -%}
        {{ return(counted.month == month) }}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}
