-- One row per plan and segment of plans: the value that customers of the plan belong to. Of subscriptions only, since a
-- customer changes plans.

with
plans as (
    select
        stg_plans.*,
        plan_keys.plan_key
    from {{ ref('stg_plans') }} as stg_plans
    inner join {{ ref('int_plans') }} as plan_keys using (plan_id)
),

segments as (
    select
        plan_key,
        'plan' as segment,
        plan_id as segment_value
    from plans
    union all
    select
        plan_key,
        'product' as segment,
        coalesce(product, 'unknown') as segment_value
    from plans
    union all
    select
        plan_key,
        'billing_interval' as segment,
        case
            when billing_interval_count = 1 then billing_interval
            else cast(billing_interval_count as {{ dbt.type_string() }}) || ' ' || billing_interval || 's'
        end as segment_value
    from plans
),

requested_segments as (select * from segments where segment in ({{ text_list(requested_segments()) }})),

-- Below zero, where no segment of customers has its number.
numbered_segments as (
    select
        *,
        -dense_rank() over (order by segment, segment_value) as segment_id
    from requested_segments
)

select * from numbered_segments
