-- One row per grain, period, segment value, plan at the opening and another plan at the closing: the customers who went
-- from the one to the other, and what that did to their MRR.

with
movement_sums as (select * from {{ ref('int_mrr_movement_sums') }} where breakdown = 'plan_change'),

segments as (select * from {{ ref('int_segments') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'subscription'),

plans as (select * from {{ ref('int_plans') }}),

sums_by_segment as (
    select
        movement_sums.period_id,
        segments.segment_id,
        movement_sums.from_plan_key,
        movement_sums.to_plan_key,
        sum(movement_sums.customers) as customers,
        sum(movement_sums.opening_mrr) as opening_mrr,
        sum(movement_sums.closing_mrr) as closing_mrr
    from movement_sums
    inner join segments using (combination_id)
    group by movement_sums.period_id, segments.segment_id, movement_sums.from_plan_key, movement_sums.to_plan_key
),

transitions as (
    select
        segment_periods.period_grain,
        segment_periods.period_start_date,
        segment_periods.period_end_date,
        segment_periods.is_complete,
        segment_periods.segment,
        segment_periods.segment_value,
        from_plans.plan_id as from_plan_id,
        to_plans.plan_id as to_plan_id,
        cast(sums.customers as bigint) as customers,
        cast(sums.opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(sums.closing_mrr as decimal(38, 6)) as closing_mrr,
        cast(sums.closing_mrr - sums.opening_mrr as decimal(38, 6)) as mrr_change
    from sums_by_segment as sums
    inner join segment_periods using (period_id, segment_id)
    inner join plans as from_plans on sums.from_plan_key = from_plans.plan_key
    inner join plans as to_plans on sums.to_plan_key = to_plans.plan_key
)

select * from transitions
