-- One row per grain, period and segment value: the customer churn rate beside those of other periods. Means and
-- direction look at complete periods alone, this one included if it is.

with
churn_rates as (
    select
        *,
        {{ ratio('churned_customers', 'opening_customers') }} as churn_rate,
        lag({{ ratio('churned_customers', 'opening_customers') }}) over history as previous_churn_rate,
        sum(cast(is_complete as integer)) over history as complete_periods,
        cast(
            case period_grain
                when 'week' then {{ dbt.dateadd('day', -364, 'period_start_date') }}
                else {{ dbt.dateadd('year', -1, 'period_start_date') }}
            end as date
        ) as year_before_start_date
    from {{ ref('int_mrr_by_period') }}
    window history as (partition by period_grain, segment, segment_value order by period_start_date)
),

-- Rates are added up as decimals: a sum of doubles depends on the order of its terms.
complete_trends as (
    select
        period_grain,
        segment,
        segment_value,
        complete_periods,
        churn_rate,
        lag(churn_rate, 1) over history as first_before,
        lag(churn_rate, 2) over history as second_before,
        {{ ratio('sum(cast(churn_rate as decimal(38, 18))) over last_three', 'count(churn_rate) over last_three') }}
            as mean_of_three,
        {{ ratio('sum(cast(churn_rate as decimal(38, 18))) over last_twelve', 'count(churn_rate) over last_twelve') }}
            as mean_of_twelve
    from churn_rates
    where is_complete
    window
        history as (partition by period_grain, segment, segment_value order by period_start_date),
        last_three as (
            partition by period_grain, segment, segment_value
            order by period_start_date
            rows between 2 preceding and current row
        ),
        last_twelve as (
            partition by period_grain, segment, segment_value
            order by period_start_date
            rows between 11 preceding and current row
        )
),

trends as (
    select
        churn_rates.period_grain,
        churn_rates.period_start_date,
        churn_rates.segment,
        churn_rates.segment_value,
        churn_rates.churn_rate,
        churn_rates.previous_churn_rate,
        years_before.churn_rate as churn_rate_year_before,
        case when complete_trends.complete_periods >= 3 then complete_trends.mean_of_three end
            as trailing_3_churn_rate,
        case when complete_trends.complete_periods >= 12 then complete_trends.mean_of_twelve end
            as trailing_12_churn_rate,
        case
            when complete_trends.churn_rate > complete_trends.first_before
                and complete_trends.first_before > complete_trends.second_before then 'rising'
            when complete_trends.churn_rate < complete_trends.first_before
                and complete_trends.first_before < complete_trends.second_before then 'falling'
            when complete_trends.churn_rate + complete_trends.first_before + complete_trends.second_before is not null
                then 'mixed'
        end as churn_rate_direction
    from churn_rates
    left join complete_trends using (period_grain, segment, segment_value, complete_periods)
    left join churn_rates as years_before
        on
            churn_rates.period_grain = years_before.period_grain
            and churn_rates.segment = years_before.segment
            and churn_rates.segment_value = years_before.segment_value
            and churn_rates.year_before_start_date = years_before.period_start_date
)

select * from trends
