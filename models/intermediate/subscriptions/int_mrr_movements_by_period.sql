-- One row per grain, period, segment value and movement type that occurred: its customers and the change of MRR.
-- Values of plan segments have one type more, `transfer`: who closes on another plan than they opened on is counted
-- under the plan of their opening, and takes their closing MRR along to the other when the period is over.

with
movement_sums as (select * from {{ ref('int_mrr_movement_sums') }}),

segments as (select * from {{ ref('int_segments') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

-- Out of the one plan, into the other.
sides as (
    select -1 as sign
    union all
    select 1 as sign
),

movements_by_value as (
    select
        movement_sums.period_id,
        segments.segment_id,
        movement_sums.movement_type,
        movement_sums.customers,
        movement_sums.paying_change,
        movement_sums.closing_mrr - movement_sums.opening_mrr as mrr_change,
        movement_sums.customers_lost_while_new,
        movement_sums.mrr_lost_while_new
    from movement_sums
    inner join segments using (combination_id)
    where movement_sums.breakdown = 'attributes'
    union all
    select
        movement_sums.period_id,
        plan_segments.segment_id,
        movement_sums.movement_type,
        movement_sums.customers,
        movement_sums.paying_change,
        movement_sums.closing_mrr - movement_sums.opening_mrr as mrr_change,
        movement_sums.customers_lost_while_new,
        movement_sums.mrr_lost_while_new
    from movement_sums
    inner join plan_segments using (plan_key)
    where movement_sums.breakdown = 'plan'
    union all
    select
        movement_sums.period_id,
        plan_segments.segment_id,
        'transfer' as movement_type,
        movement_sums.customers,
        movement_sums.customers * sides.sign as paying_change,
        movement_sums.closing_mrr * sides.sign as mrr_change,
        0 as customers_lost_while_new,
        0 as mrr_lost_while_new
    from movement_sums
    cross join sides
    inner join plan_segments
        on plan_segments.plan_key
            = case sides.sign when -1 then movement_sums.from_plan_key else movement_sums.to_plan_key end
    where movement_sums.breakdown = 'plan_change'
),

movements as (
    select
        period_id,
        segment_id,
        movement_type,
        cast(sum(customers) as bigint) as customers,
        cast(sum(paying_change) as bigint) as paying_change,
        cast(sum(mrr_change) as decimal(38, 6)) as mrr_change,
        cast(sum(customers_lost_while_new) as bigint) as customers_lost_while_new,
        cast(sum(mrr_lost_while_new) as decimal(38, 6)) as mrr_lost_while_new
    from movements_by_value
    group by period_id, segment_id, movement_type
)

select * from movements
