-- One row per currency, other than the reporting currency, and known day from its first rate on: the rate of the day,
-- which is the latest on or before it.

with
rates as (
    select
        currency,
        rate_date,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date,
        rate
    from {{ ref('stg_exchange_rates') }}
    where currency <> {{ reporting_currency() }}
),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

dated_rates as (
    select
        rates.currency,
        rates.rate,
        rates.rate_date as first_day,
        least(coalesce(rates.next_rate_date, as_of_date.as_of_date), as_of_date.as_of_date) as next_day
    from rates
    cross join as_of_date
),

numbers as (
    {{ whole_numbers(6) }}
),

rate_days as (
    select
        dated_rates.currency,
        cast({{ dbt.dateadd('day', 'numbers.number', 'dated_rates.first_day') }} as date) as date_day,
        dated_rates.rate
    from dated_rates
    inner join numbers on numbers.number < {{ dbt.datediff('dated_rates.first_day', 'dated_rates.next_day', 'day') }}
)

select * from rate_days
