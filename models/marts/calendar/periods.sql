-- One row per grain and period, from the earliest paid start or countable order to the last known day, without gaps.

{% set months_late = var('fiscal_year_start_month') | int - 1 %}

with
-- The day whose year names the period: a week's is its Thursday, a fiscal year's starts months late.
naming_days as (
    select
        periods.*,
        period_grains.periods_per_year,
        coalesce(period_grains.label_letter, '') as label_letter,
        cast(
            case
                when period_grains.periods_per_year = 52 then {{ dbt.dateadd('day', 3, 'periods.period_start_date') }}
                when period_grains.follows_fiscal_year
                    then {{ dbt.dateadd('month', -months_late, 'periods.period_start_date') }}
                else periods.period_start_date
            end as date
        ) as naming_day
    from {{ ref('int_date_periods') }} as periods
    inner join {{ ref('period_grains') }} as period_grains using (period_grain)
    where periods.date_day = periods.period_start_date
),

numbered_periods as (
    select
        *,
        cast(extract(year from naming_day) as {{ dbt.type_string() }}) as naming_year,
        case
            when periods_per_year = 52 then floor((extract(doy from naming_day) - 1) / 7) + 1
            else floor((extract(month from naming_day) - 1) * periods_per_year / 12) + 1
        end as number_in_year
    from naming_days
),

periods as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        case
            when periods_per_year = 1 then naming_year
            when periods_per_year < 10
                then
                    naming_year || '-' || label_letter
                    || cast(cast(number_in_year as integer) as {{ dbt.type_string() }})
            when periods_per_year <= 52 then naming_year || '-' || label_letter || {{ two_digits('number_in_year') }}
            else cast(period_start_date as {{ dbt.type_string() }})
        end as period_label,
        cast({{ dbt.datediff('period_start_date', 'period_end_date', 'day') }} + 1 as bigint) as days_in_period,
        is_complete
    from numbered_periods
)

select * from periods
