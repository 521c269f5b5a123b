-- At the end of every year, and on the last known day, closing MRR at closing rates is what the live stretches are
-- worth then, counted straight from the stretches: each currency's balance at the latest rate on or before the day.

with
days as (select * from {{ ref('int_date_periods') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

closing_days as (
    select max(days.date_day) as date_day
    from days
    inner join as_of_date on days.date_day < as_of_date.as_of_date
    group by extract(year from days.date_day)
),

latest_rates as (
    select
        closing_days.date_day,
        rates.currency,
        rates.rate,
        row_number() over (
            partition by closing_days.date_day, rates.currency order by rates.rate_date desc
        ) as recency
    from closing_days
    inner join {{ ref('stg_exchange_rates') }} as rates on closing_days.date_day >= rates.rate_date
),

balances as (
    select
        closing_days.date_day,
        stretches.currency,
        sum(stretches.currency_mrr) as currency_mrr
    from closing_days
    inner join {{ ref('int_mrr_stretches') }} as stretches
        on
            closing_days.date_day >= stretches.start_date
            and closing_days.date_day < coalesce(stretches.end_date, cast('9999-12-31' as date))
            and stretches.mrr > 0
    group by closing_days.date_day, stretches.currency
),

worth as (
    select
        balances.date_day,
        sum(
            case balances.currency
                when {{ reporting_currency() }} then balances.currency_mrr
                else cast(balances.currency_mrr * latest_rates.rate as decimal(38, 6))
            end
        ) as mrr
    from balances
    left join latest_rates
        on
            balances.date_day = latest_rates.date_day
            and balances.currency = latest_rates.currency
            and latest_rates.recency = 1
    group by balances.date_day
)

select
    closings.period_grain,
    closings.period_start_date,
    closings.closing_mrr_at_closing_rates,
    worth.mrr
from {{ ref('mrr_churn_by_period') }} as closings
cross join as_of_date
inner join closing_days
    on
        closings.period_end_date = closing_days.date_day
        or (closings.period_end_date > closing_days.date_day and closing_days.date_day = as_of_date.as_of_date - 1)
left join worth using (date_day)
where closings.segment = 'all' and closings.closing_mrr_at_closing_rates <> coalesce(worth.mrr, 0)
