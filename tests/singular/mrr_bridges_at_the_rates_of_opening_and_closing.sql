-- Opening MRR at the rates of the opening + movements + fx_effect = closing MRR at the rates of the closing, on every
-- grain, period and segment value. The opening is the closing before; by plan, where customers change plans in between,
-- it adds up over the values to that of all, but for the rounding of each value and currency.

with
bridges as (
    select
        *,
        closing_mrr_at_closing_rates - net_new_mrr - fx_effect as opening_mrr_at_opening_rates,
        lag(closing_mrr_at_closing_rates, 1, 0) over (
            partition by period_grain, segment, segment_value order by period_start_date
        ) as previous_closing_mrr
    from {{ ref('mrr_churn_by_period') }}
    where closing_mrr_at_closing_rates is not null
),

currencies as (
    select count(distinct currency) as currencies
    from {{ ref('stg_exchange_rates') }}
),

totals as (
    select
        period_grain,
        period_start_date,
        segment,
        sum(opening_mrr_at_opening_rates) as opening_mrr,
        sum(closing_mrr_at_closing_rates) as closing_mrr,
        cast(0.000001 as decimal(7, 6)) * count(*) as rounding
    from bridges
    group by period_grain, period_start_date, segment
)

select
    period_grain,
    period_start_date,
    segment || ': ' || segment_value as what_differs,
    opening_mrr_at_opening_rates as found,
    previous_closing_mrr as wanted
from bridges
where
    segment not in ({{ text_list(plan_segments()) }})
    and opening_mrr_at_opening_rates <> previous_closing_mrr
union all
select
    bridges.period_grain,
    bridges.period_start_date,
    'sum by ' || totals.segment as what_differs,
    totals.closing_mrr as found,
    bridges.closing_mrr_at_closing_rates as wanted
from bridges
inner join totals using (period_grain, period_start_date)
cross join currencies
where
    bridges.segment = 'all'
    and (
        abs(totals.opening_mrr - bridges.opening_mrr_at_opening_rates) > totals.rounding * currencies.currencies
        or abs(totals.closing_mrr - bridges.closing_mrr_at_closing_rates) > totals.rounding * currencies.currencies
    )
