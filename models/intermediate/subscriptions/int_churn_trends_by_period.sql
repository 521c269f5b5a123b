-- One row per grain, period and segment value: the customer churn rate beside those of other periods. Means and
-- direction look at complete periods alone, this one included if it is.

with
churn_rates as (
    select
        period_id,
        segment_id,
        period_grain,
        period_start_date,
        is_complete,
        churn_rate,
        lag(churn_rate) over history as previous_churn_rate,
        sum(cast(is_complete as integer)) over history as complete_periods,
        cast(
            case period_grain
                when 'week' then {{ dbt.dateadd('day', -364, 'period_start_date') }}
                else {{ dbt.dateadd('year', -1, 'period_start_date') }}
            end as date
        ) as year_before_start_date
    from {{ ref('int_mrr_by_period') }}
    window history as (partition by segment_id, period_grain order by period_start_date)
),

-- Rates are added up as decimals: a sum of doubles depends on the order of its terms.
complete_trends as (
    select
        segment_id,
        period_grain,
        complete_periods,
        churn_rate,
        lag(churn_rate, 1) over history as first_before,
        lag(churn_rate, 2) over history as second_before,
        {{ ratio(
            '(sum({}) over last_three)'.format(rounded('churn_rate', 18)), '(count(churn_rate) over last_three)'
        ) }} as mean_of_three,
        {{ ratio(
            '(sum({}) over last_twelve)'.format(rounded('churn_rate', 18)), '(count(churn_rate) over last_twelve)'
        ) }} as mean_of_twelve
    from churn_rates
    where is_complete
    window
        history as (partition by segment_id, period_grain order by period_start_date),
        last_three as (
            partition by segment_id, period_grain order by period_start_date rows between 2 preceding and current row
        ),
        last_twelve as (
            partition by segment_id, period_grain order by period_start_date rows between 11 preceding and current row
        )
),

trends as (
    select
        churn_rates.period_id,
        churn_rates.segment_id,
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
    left join complete_trends using (segment_id, period_grain, complete_periods)
    left join churn_rates as years_before
        on
            churn_rates.segment_id = years_before.segment_id
            and churn_rates.period_grain = years_before.period_grain
            and churn_rates.year_before_start_date = years_before.period_start_date
)

select * from trends
