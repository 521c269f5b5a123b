{#-
    numerator / denominator as a double; null where the denominator is zero or null.
    Example: {{ ratio('churned_customers', 'opening_customers') }} as churn_rate
-#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ type_double() }}) / nullif(cast({{ denominator }} as {{ type_double() }}), 0)
{%- endmacro %}

{#- The name of a number of 64 bits with a floating point; dbt.type_float() is one of 32 bits on some engines. -#}
{% macro type_double() -%}
    {{ adapter.dispatch('type_double', 'retention_marts')() }}
{%- endmacro %}

{% macro default__type_double() -%}
    double precision
{%- endmacro %}

{% macro spark__type_double() -%}
    double
{%- endmacro %}

{#-
    A double as a decimal of so many digits after the point, half up, by way of its shortest text: 102.5484375 is
    102.548438 with six digits on every engine, while casts of doubles differ.
    Example: {{ rounded(ratio('revenue', 'orders'), 6) }} as average_order_value
-#}
{% macro rounded(number, digits) -%}
    cast(cast({{ number }} as {{ dbt.type_string() }}) as decimal(38, {{ digits }}))
{%- endmacro %}

{#-
    The exact quotient of two whole numbers >= 0 in millionths, as decimal(18, 6) of ones: rounded once, half up.
    An engine's own division of decimals goes through floating point or rounds where it likes.
    Example: {{ millionths('2', '3') }} is 0.000001
-#}
{% macro millionths(numerator, denominator) -%}
    {{ adapter.dispatch('millionths', 'retention_marts')(numerator, denominator) }}
{%- endmacro %}

{% macro default__millionths(numerator, denominator) -%}
    {{ not_written('millionths') }}
{%- endmacro %}

{% macro duckdb__millionths(numerator, denominator) -%}
    cast(
        cast(
            (2 * cast({{ numerator }} as hugeint) + cast({{ denominator }} as hugeint))
            // (2 * cast({{ denominator }} as hugeint)) as decimal(38, 0)
        ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{% macro postgres__millionths(numerator, denominator) -%}
    cast(
        div(
            2 * cast({{ numerator }} as numeric) + cast({{ denominator }} as numeric),
            2 * cast({{ denominator }} as numeric)
        ) * 0.000001 as decimal(18, 6)
    )
{%- endmacro %}

{% macro spark__millionths(numerator, denominator) -%}
    cast(
        cast(
            (2 * cast({{ numerator }} as decimal(38, 0)) + cast({{ denominator }} as decimal(38, 0)))
            div (2 * cast({{ denominator }} as decimal(38, 0))) as decimal(38, 0)
        ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{#-
    The exact quotient of two whole numbers >= 0 in millionths, times a rate of 15 decimals below 1e7: rounded once, half
    up, as decimal(18, 6) of ones. What is left of the quotient is multiplied in two halves of the rate, because the whole
    product would not fit into any number of the engine.
    Example: {{ millionths_at_rate('2', '3', '1.5') }} is 0.000001
-#}
{% macro millionths_at_rate(numerator, denominator, rate) -%}
    {{ adapter.dispatch('millionths_at_rate', 'retention_marts')(numerator, denominator, rate) }}
{%- endmacro %}

{% macro default__millionths_at_rate(numerator, denominator, rate) -%}
    {{ not_written('millionths_at_rate') }}
{%- endmacro %}

{% macro postgres__millionths_at_rate(numerator, denominator, rate) -%}
    cast(
        div(
            cast({{ numerator }} as numeric) * {{ rate }} * 1000000000000000
            + cast({{ denominator }} as numeric) * 500000000000000,
            cast({{ denominator }} as numeric) * 1000000000000000
        ) * 0.000001 as decimal(18, 6)
    )
{%- endmacro %}

{% macro spark__millionths_at_rate(numerator, denominator, rate) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as decimal(38, 0))' -%}
    {%- set d = 'cast(' ~ denominator ~ ' as decimal(38, 0))' -%}
    {%- set r = 'cast(cast(' ~ rate ~ ' as decimal(22, 15)) * 1000000000000000 as decimal(22, 0))' -%}
    {%- set upper = 'cast(cast(' ~ n ~ ' % ' ~ d ~ ' as decimal(22, 0)) * (' ~ r ~ ' div 1000000000) as decimal(38, 0))' -%}
    {%- set lower = 'cast(cast(' ~ n ~ ' % ' ~ d ~ ' as decimal(22, 0)) * (' ~ r ~ ' % 1000000000) as decimal(38, 0))' -%}
    cast(
        cast(
            cast(
                cast(cast({{ n }} div {{ d }} as decimal(19, 0)) * {{ r }} as decimal(38, 0))
                + cast(({{ upper }} div {{ d }}) as decimal(28, 0)) * 1000000000
                + (cast({{ upper }} % {{ d }} as decimal(22, 0)) * 1000000000 + {{ lower }}) div {{ d }}
                + 500000000000000 as decimal(38, 0)
            ) div 1000000000000000 as decimal(38, 0)
        ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{% macro duckdb__millionths_at_rate(numerator, denominator, rate) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as hugeint)' -%}
    {%- set d = 'cast(' ~ denominator ~ ' as hugeint)' -%}
    {%- set r = 'cast(' ~ rate ~ ' * 1000000000000000 as hugeint)' -%}
    {%- set upper = '(' ~ n ~ ' % ' ~ d ~ ') * (' ~ r ~ ' // 1000000000)' -%}
    {%- set lower = '(' ~ n ~ ' % ' ~ d ~ ') * (' ~ r ~ ' % 1000000000)' -%}
    cast(
        cast(
            (
                ({{ n }} // {{ d }}) * {{ r }}
                + (({{ upper }}) // {{ d }}) * 1000000000
                + ((({{ upper }}) % {{ d }}) * 1000000000 + {{ lower }}) // {{ d }}
                + 500000000000000
            ) // 1000000000000000 as decimal(38, 0)
        ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
    )
{%- endmacro %}

{#-
    What terms of a plan bring in a month: exact, rounded once to six decimals, half up. In the currency of the plan, or
    where `rate` names the rate of other currencies, in the reporting currency. An amount that is not null stands in place of price, quantity and discount. Prices, amounts and discounts
    become whole numbers of 1e-10, because products of whole numbers are exact; the divisor takes back both scales but
    for the millionths, the per cent and the year.
    Example: {{ monthly_amount('plans', 'terms.quantity', 'terms.discount_percent', 'terms.amount') }} as mrr_if_paid
-#}
{% macro monthly_amount(plan, quantity, discount_percent, amount=none, rate=none) -%}
    {%- set billed = 'cast(' ~ plan ~ '.price * 10000000000 as decimal(38, 0))
        * ' ~ quantity ~ '
        * cast((100 - ' ~ discount_percent ~ ') * 10000000000 as decimal(38, 0))' -%}
    {%- if amount -%}
        {%- set billed = 'coalesce(
            cast(' ~ amount ~ ' * 10000000000 as decimal(38, 0)) * 1000000000000,
            ' ~ billed ~ '
        )' -%}
    {%- endif -%}
    {%- set numerator = billed ~ '
        * case ' ~ plan ~ '.billing_interval
            when \'day\' then 365
            when \'week\' then 52
            when \'month\' then 12
            when \'year\' then 1
        end' -%}
    {%- set denominator = 'cast(100000000000000 as decimal(38, 0)) * 100 * 12 * ' ~ plan ~ '.billing_interval_count' -%}
    {%- if not rate -%}
        {{ millionths(numerator, denominator) }}
    {%- else -%}
        case
            when {{ plan }}.currency <> {{ reporting_currency() }}
                then {{ millionths_at_rate(numerator, denominator, rate) }}
            else {{ millionths(numerator, denominator) }}
        end
    {%- endif -%}
{%- endmacro %}

{#-
    An amount as a decimal of the type, in the reporting currency: of another currency at a rate, null without one. Each
    is cast by itself, since a common type, wide enough for both, takes twice the time.
    Example: {{ at_rate('orders.amount', 'orders.currency', 'rates.rate', 'decimal(28, 10)') }} as amount
-#}
{% macro at_rate(amount, currency, rate, type) -%}
    case
        when {{ currency }} <> {{ reporting_currency() }} then cast({{ times_rate(amount, rate) }} as {{ type }})
        else cast({{ amount }} as {{ type }})
    end
{%- endmacro %}

{#- The product of an amount and a rate. -#}
{% macro times_rate(amount, rate) -%}
    {{ adapter.dispatch('times_rate', 'retention_marts')(amount, rate) }}
{%- endmacro %}

{% macro default__times_rate(amount, rate) -%}
    ({{ amount }}) * {{ rate }}
{%- endmacro %}

{#- Spark keeps no more than six decimals of a product of wider numbers. -#}
{% macro spark__times_rate(amount, rate) -%}
    cast({{ amount }} as decimal(22, 10)) * cast({{ rate }} as decimal(22, 15))
{%- endmacro %}

{#- The var reporting_currency as staging has currencies: in upper case. -#}
{% macro reporting_currency() -%}
    '{{ var('reporting_currency') | upper }}'
{%- endmacro %}

{#-
    Text values as a SQL list for `in`; of no values, a list that nothing is in.
    Example: status in ({{ text_list(['completed', 'shipped']) }})
-#}
{% macro text_list(values) -%}
    {%- if not values -%}
        null
    {%- endif -%}
    {%- for value in values or [] -%}
        {{ sql_text(value) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
    A text value as SQL writes it.
    Example: {{ sql_text("it's") }} is 'it''s'
-#}
{% macro sql_text(value) -%}
    {{ adapter.dispatch('sql_text', 'retention_marts')(value | string) }}
{%- endmacro %}

{% macro default__sql_text(value) -%}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}

{% macro spark__sql_text(value) -%}
    '{{ value | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{#-
    A query with one column, number: the whole numbers that have at most so many decimal digits, from 0 on.
    Example: {{ whole_numbers(2) }} is 0 to 99
-#}
{% macro whole_numbers(digits) -%}
    select
        {%- for place in range(digits) %}
        {{ '+ ' if not loop.first }}digit_{{ place }}.digit * {{ 10 ** place }}
        {%- endfor %} as number
    from
        {%- for place in range(digits) %}
        {{ 'cross join ' if not loop.first }}(
            select 0 as digit
            {%- for digit in range(1, 10) %} union all select {{ digit }}{% endfor -%}
        ) as digit_{{ place }}
        {%- endfor %}
{%- endmacro %}

{#-
    A whole number from 0 to 99 as text of two digits.
    Example: {{ two_digits('extract(month from order_date)') }}
-#}
{% macro two_digits(number) -%}
    right('0' || cast(cast({{ number }} as integer) as {{ dbt.type_string() }}), 2)
{%- endmacro %}

{#-
    A bound of the Wilson 95 % interval of a share of n (E. B. Wilson, 1927), -1 for the lower and 1 for the upper one.
    Example: {{ wilson_bound('churn_rate', 'opening_customers', -1) }} as churn_rate_low
-#}
{% macro wilson_bound(share, n, side) -%}
    {%- set z = 1.959963985 -%}
    {%- set n = 'cast(nullif(' ~ n ~ ', 0) as ' ~ type_double() ~ ')' -%}
    case
        when {{ share }} = {{ 0 if side < 0 else 1 }} then {{ share }}
        else (
            {{ share }} + {{ z * z / 2 }} / {{ n }}
            + {{ side }} * {{ z }}
            * sqrt({{ share }} * (1 - {{ share }}) / {{ n }} + {{ z * z / 4 }} / ({{ n }} * {{ n }}))
        ) / (1 + {{ z * z }} / {{ n }})
    end
{%- endmacro %}
