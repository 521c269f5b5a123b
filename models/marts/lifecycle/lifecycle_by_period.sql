-- One row per grain, period, segment value and lifecycle stage, from the value's first customer on: the customers who
-- are in that stage at the closing of the period.

with
changes as (select * from {{ ref('int_lifecycle_changes_by_period') }}),

lifecycle_stages as (select * from {{ ref('lifecycle_stages') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'lifecycle'),

stage_changes as (
    select
        segment_periods.*,
        lifecycle_stages.lifecycle_stage,
        coalesce(changes.customers, 0) as customers_change
    from segment_periods
    cross join lifecycle_stages
    left join changes using (period_id, segment_id, lifecycle_stage)
),

lifecycle as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        lifecycle_stage,
        cast((sum(customers_change) over history) as bigint) as customers
    from stage_changes
    window history as (partition by lifecycle_stage, segment_id, period_grain order by period_start_date)
)

select * from lifecycle
