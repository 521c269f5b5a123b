-- One row per grain, period, segment value, plan at the opening and another plan at the closing: the customers who went
-- from the one to the other, and what that did to their MRR.

with
customer_periods as (
    select *
    from {{ ref('int_customer_mrr_periods') }}
    where opening_plan_key <> closing_plan_key
),

segments as (select * from {{ ref('int_segments') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'subscription'),

plans as (select * from {{ ref('int_plans') }}),

sums_by_combination as (
    select
        period_id,
        combination_id,
        opening_plan_key,
        closing_plan_key,
        count(*) as customers,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr
    from customer_periods
    group by period_id, combination_id, opening_plan_key, closing_plan_key
),

sums_by_segment as (
    select
        sums.period_id,
        segments.segment_id,
        sums.opening_plan_key,
        sums.closing_plan_key,
        sum(sums.customers) as customers,
        sum(sums.opening_mrr) as opening_mrr,
        sum(sums.closing_mrr) as closing_mrr
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.period_id, segments.segment_id, sums.opening_plan_key, sums.closing_plan_key
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
        from_plans.plan_name as from_plan_name,
        to_plans.plan_id as to_plan_id,
        to_plans.plan_name as to_plan_name,
        cast(sums.customers as bigint) as customers,
        cast(sums.opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(sums.closing_mrr as decimal(38, 6)) as closing_mrr,
        cast(sums.closing_mrr - sums.opening_mrr as decimal(38, 6)) as mrr_change
    from sums_by_segment as sums
    inner join segment_periods using (period_id, segment_id)
    inner join plans as from_plans on sums.opening_plan_key = from_plans.plan_key
    inner join plans as to_plans on sums.closing_plan_key = to_plans.plan_key
)

select * from transitions
