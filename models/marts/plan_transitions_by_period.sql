-- One row per grain, period, segment value, plan at the opening and another plan at the closing: the customers who went
-- from the one to the other, and what that did to their MRR.

with
movement_sums as (select * from {{ ref('int_mrr_movement_sums') }} where breakdown = 'plan_change'),

segments as (select * from {{ ref('int_segments') }}),

periods as (select * from {{ ref('int_date_periods') }} where date_day = period_start_date),

transitions as (
    select
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.is_complete,
        segments.segment,
        segments.segment_value,
        movement_sums.from_plan_id,
        movement_sums.to_plan_id,
        cast(sum(movement_sums.customers) as bigint) as customers,
        cast(sum(movement_sums.opening_mrr) as decimal(38, 6)) as opening_mrr,
        cast(sum(movement_sums.closing_mrr) as decimal(38, 6)) as closing_mrr,
        cast(sum(movement_sums.closing_mrr - movement_sums.opening_mrr) as decimal(38, 6)) as mrr_change
    from movement_sums
    inner join segments using (country, acquisition_channel)
    inner join periods using (period_grain, period_start_date)
    group by
        periods.period_grain, periods.period_start_date, periods.period_end_date, periods.is_complete, segments.segment,
        segments.segment_value, movement_sums.from_plan_id, movement_sums.to_plan_id
)

select * from transitions
