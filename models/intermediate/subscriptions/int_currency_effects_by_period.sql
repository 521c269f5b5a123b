-- One row per grain, period and segment value of subscriptions, none without exchange rates: by how much more or less
-- its MRR is worth at the rates of the day before the period, and of its last known day, than as booked.

with
movements as (select * from {{ ref('int_currency_movements_by_period') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'subscription'),

rates as (select * from {{ ref('int_exchange_rates') }}),

value_currencies as (
    select
        segment_id,
        currency
    from movements
    group by segment_id, currency
),

closings as (
    select
        segment_periods.period_id,
        segment_periods.segment_id,
        value_currencies.currency,
        cast({{ dbt.dateadd('day', -1, 'segment_periods.period_start_date') }} as date) as opening_day,
        cast(least(
            segment_periods.period_end_date, {{ dbt.dateadd('day', -1, 'as_of_date.as_of_date') }}
        ) as date) as closing_day,
        coalesce(movements.currency_change, 0) as currency_change,
        coalesce(movements.mrr_change, 0) as mrr_change,
        (sum(coalesce(movements.currency_change + movements.transferred_currency_mrr, 0)) over history)
        - coalesce(movements.transferred_currency_mrr, 0) as closing_currency_mrr,
        (sum(coalesce(movements.mrr_change + movements.transferred_mrr, 0)) over history)
        - coalesce(movements.transferred_mrr, 0) as closing_mrr
    from segment_periods
    inner join value_currencies using (segment_id)
    cross join {{ ref('int_as_of_date') }} as as_of_date
    left join movements using (period_id, segment_id, currency)
    window history as (
        partition by segment_periods.segment_id, value_currencies.currency, segment_periods.period_grain
        order by segment_periods.period_start_date
    )
),

-- Rounded per currency. A currency that nobody pays in yet may have no rate yet.
differences as (
    select
        closings.period_id,
        closings.segment_id,
        coalesce(
            cast((closings.closing_currency_mrr - closings.currency_change) * opening_rates.rate as decimal(38, 6)), 0
        ) - (closings.closing_mrr - closings.mrr_change) as opening_difference,
        coalesce(cast(closings.closing_currency_mrr * closing_rates.rate as decimal(38, 6)), 0)
        - closings.closing_mrr as closing_difference
    from closings
    left join rates as opening_rates
        on
            closings.currency = opening_rates.currency
            and closings.opening_day = opening_rates.date_day
    left join rates as closing_rates
        on
            closings.currency = closing_rates.currency
            and closings.closing_day = closing_rates.date_day
),

sums as (
    select
        period_id,
        segment_id,
        sum(opening_difference) as opening_difference,
        sum(closing_difference) as closing_difference
    from differences
    group by period_id, segment_id
),

known_rates as (
    select count(*) as rates
    from {{ ref('stg_exchange_rates') }}
),

effects as (
    select
        segment_periods.period_id,
        segment_periods.segment_id,
        cast(coalesce(sums.opening_difference, 0) as decimal(38, 6)) as opening_difference,
        cast(coalesce(sums.closing_difference, 0) as decimal(38, 6)) as closing_difference
    from segment_periods
    inner join known_rates on known_rates.rates > 0
    left join sums using (period_id, segment_id)
)

select * from effects
