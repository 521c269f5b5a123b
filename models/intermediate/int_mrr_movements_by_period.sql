-- One row per grain, period, segment value and movement type that occurred: its customers and the change of MRR.
-- Values of plan segments have one type more, `transfer`: who closes on another plan than he opened on is counted under
-- the plan of his opening, and takes his closing MRR along to the other when the period is over.

with
movement_sums as (select * from {{ ref('int_mrr_movement_sums') }}),

segments as (select * from {{ ref('int_segments') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

plan_changes as (select * from movement_sums where breakdown = 'plan_change'),

-- Out of the one plan, into the other.
sides as (
    select -1 as sign
    union all
    select 1 as sign
),

movements_by_value as (
    select
        movement_sums.*,
        segments.segment,
        segments.segment_value
    from movement_sums
    inner join segments using (country, acquisition_channel)
    where movement_sums.breakdown = 'attributes'
    union all
    select
        movement_sums.*,
        plan_segments.segment,
        plan_segments.segment_value
    from movement_sums
    inner join plan_segments using (plan_id)
    where movement_sums.breakdown = 'plan'
),

movements_by_segment as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        movement_type,
        cast(sum(customers) as bigint) as customers,
        cast(sum(paying_change) as bigint) as paying_change,
        cast(sum(closing_mrr - opening_mrr) as decimal(38, 6)) as mrr_change,
        cast(sum(customers_lost_while_new) as bigint) as customers_lost_while_new,
        cast(sum(mrr_lost_while_new) as decimal(38, 6)) as mrr_lost_while_new
    from movements_by_value
    group by period_grain, period_start_date, segment, segment_value, movement_type
),

transfers_by_segment as (
    select
        plan_changes.period_grain,
        plan_changes.period_start_date,
        plan_segments.segment,
        plan_segments.segment_value,
        'transfer' as movement_type,
        cast(sum(plan_changes.customers) as bigint) as customers,
        cast(sum(plan_changes.customers * sides.sign) as bigint) as paying_change,
        cast(sum(plan_changes.closing_mrr * sides.sign) as decimal(38, 6)) as mrr_change,
        0 as customers_lost_while_new,
        0 as mrr_lost_while_new
    from plan_changes
    cross join sides
    inner join plan_segments
        on plan_segments.plan_id
            = case sides.sign when -1 then plan_changes.from_plan_id else plan_changes.to_plan_id end
    group by
        plan_changes.period_grain, plan_changes.period_start_date, plan_segments.segment, plan_segments.segment_value
),

all_movements as (
    select * from movements_by_segment
    union all
    select * from transfers_by_segment
)

select * from all_movements
