-- One row per grain and period, from the earliest paid start or countable order to the last known day, without gaps.

{% set months_late = var('fiscal_year_start_month') | int - 1 %}

with
-- The year that names a period: a week's is that of its Thursday, a fiscal year's that of its first day.
naming_days as (
    select
        *,
        {{ dbt.dateadd('day', 3, 'period_start_date') }} as thursday,
        {{ dbt.dateadd('month', -months_late, 'period_start_date') }} as day_of_fiscal_year
    from {{ ref('int_date_periods') }}
    where date_day = period_start_date
),

named_periods as (
    select
        *,
        cast(extract(year from thursday) as {{ dbt.type_string() }}) as week_year,
        floor((extract(doy from thursday) - 1) / 7) + 1 as week_number,
        cast(extract(year from period_start_date) as {{ dbt.type_string() }}) as calendar_year,
        cast(extract(year from day_of_fiscal_year) as {{ dbt.type_string() }}) as fiscal_year,
        cast(extract(quarter from day_of_fiscal_year) as {{ dbt.type_string() }}) as fiscal_quarter
    from naming_days
),

periods as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        case period_grain
            when 'day' then cast(period_start_date as {{ dbt.type_string() }})
            when 'week' then week_year || '-W' || {{ two_digits('week_number') }}
            when 'month' then calendar_year || '-' || {{ two_digits('extract(month from period_start_date)') }}
            when 'quarter' then fiscal_year || '-Q' || fiscal_quarter
            when 'year' then fiscal_year
        end as period_label,
        cast({{ dbt.datediff('period_start_date', 'period_end_date', 'day') }} + 1 as bigint) as days_in_period,
        is_complete
    from named_periods
)

select * from periods
