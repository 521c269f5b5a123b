-- One row per grain, period, segment value and movement type that occurred: its customers and the change of MRR.
-- Values of plan segments have one type more, `transfer`: who closes on another plan than they opened on is counted
-- under the plan of their opening, and takes their closing MRR along to the other when the period is over.

with
segments as (select * from {{ ref('int_segments') }}),

plan_segments as (select * from {{ ref('int_plan_segments') }}),

-- Customers whose MRR stays as it is have moved nothing.
sums_by_combination as (
    select
        period_id,
        combination_id,
        movement_type,
        count(*) as customers,
        sum(paying_change) as paying_change,
        sum(closing_mrr - opening_mrr) as mrr_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as mrr_lost_while_new
    from {{ ref('int_customer_mrr_periods') }}
    where movement_type is not null
    group by period_id, combination_id, movement_type
),

sides as (
    select -1 as sign
    union all
    select 1 as sign
),

sums_by_plan as (
    select
        period_id,
        plan_key,
        movement_type,
        count(*) as customers,
        sum(paying_change) as paying_change,
        sum(closing_mrr - opening_mrr) as mrr_change,
        count(*) filter (where is_lost_while_new) as customers_lost_while_new,
        coalesce(sum(opening_mrr) filter (where is_lost_while_new), 0) as mrr_lost_while_new
    from {{ ref('int_customer_mrr_periods') }}
    where movement_type is not null
    group by period_id, plan_key, movement_type
    -- Out of the one plan, into the other.
    union all
    select
        customer_periods.period_id,
        case sides.sign when -1 then customer_periods.opening_plan_key else customer_periods.closing_plan_key end
            as plan_key,
        'transfer' as movement_type,
        count(*) as customers,
        sum(sides.sign) as paying_change,
        sum(sides.sign * customer_periods.closing_mrr) as mrr_change,
        0 as customers_lost_while_new,
        0 as mrr_lost_while_new
    from {{ ref('int_customer_mrr_periods') }} as customer_periods
    cross join sides
    where customer_periods.opening_plan_key <> customer_periods.closing_plan_key
    group by
        customer_periods.period_id,
        case sides.sign when -1 then customer_periods.opening_plan_key else customer_periods.closing_plan_key end
),

movements_by_value as (
    select
        sums.period_id,
        segments.segment_id,
        sums.movement_type,
        sums.customers,
        sums.paying_change,
        sums.mrr_change,
        sums.customers_lost_while_new,
        sums.mrr_lost_while_new
    from sums_by_combination as sums
    inner join segments using (combination_id)
    union all
    select
        sums.period_id,
        plan_segments.segment_id,
        sums.movement_type,
        sums.customers,
        sums.paying_change,
        sums.mrr_change,
        sums.customers_lost_while_new,
        sums.mrr_lost_while_new
    from sums_by_plan as sums
    inner join plan_segments using (plan_key)
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
