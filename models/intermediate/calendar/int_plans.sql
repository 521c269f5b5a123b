-- One row per plan: the whole numbers that stand for it and for its product between models, and its terms.

with
plans as (select * from {{ ref('stg_plans') }}),

-- Numbered by the order of the ids, so that equal input gives equal keys.
numbered_plans as (
    select
        plan_id,
        plan_name,
        row_number() over (order by {{ byte_order('plan_id') }}) as plan_key,
        product,
        dense_rank() over (order by coalesce(product, 'unknown')) as product_key,
        tier,
        price,
        currency,
        billing_interval,
        billing_interval_count
    from plans
)

select * from numbered_plans
