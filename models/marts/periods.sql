-- One row per grain and period, from the earliest paid start or countable order to the last known day, without gaps.

{% set months_late = var('fiscal_year_start_month') - 1 %}

with

-- The year that names a period: a week's is that of its Thursday, a fiscal year's that of its first day.
named_periods as (

    select
        *,
        cast({{ dbt.dateadd('day', 3, 'period_start_date') }} as date) as thursday,
        cast({{ dbt.dateadd('month', -months_late, 'period_start_date') }} as date) as calendar_equivalent

    from {{ ref('int_date_periods') }}
    where date_day = period_start_date

),

periods as (

    select
        period_grain,
        period_start_date,
        period_end_date,
        case period_grain
            when 'day' then cast(period_start_date as {{ dbt.type_string() }})
            when 'week' then
                cast(extract(year from thursday) as {{ dbt.type_string() }})
                || '-W' || {{ two_digits('floor((extract(doy from thursday) - 1) / 7) + 1') }}
            when 'month' then
                cast(extract(year from period_start_date) as {{ dbt.type_string() }})
                || '-' || {{ two_digits('extract(month from period_start_date)') }}
            when 'quarter' then
                cast(extract(year from calendar_equivalent) as {{ dbt.type_string() }})
                || '-Q' || cast(extract(quarter from calendar_equivalent) as {{ dbt.type_string() }})
            when 'year' then cast(extract(year from calendar_equivalent) as {{ dbt.type_string() }})
        end as period_label,
        cast({{ dbt.datediff('period_start_date', 'period_end_date', 'day') }} + 1 as bigint) as days_in_period,
        is_complete

    from named_periods

)

select * from periods
