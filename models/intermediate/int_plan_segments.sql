-- One row per segment and plan: the segment value that customers of the plan belong to. Of subscriptions only, since a
-- customer changes plans.

with
plans as (select * from {{ ref('stg_plans') }}),

segments as (
    select
        'plan' as segment,
        plan_id as segment_value,
        plan_id
    from plans
    union all
    select
        'product' as segment,
        coalesce(product, 'unknown') as segment_value,
        plan_id
    from plans
    union all
    select
        'billing_interval' as segment,
        billing_interval as segment_value,
        plan_id
    from plans
),

requested_segments as (select * from segments where segment in ({{ text_list(var('segments')) }}))

select * from requested_segments
