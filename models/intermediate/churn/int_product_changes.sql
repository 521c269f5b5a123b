-- One row per customer, product and business date on which the customer, who pays for the product before and after it,
-- goes down or up: a downgrade is a lower tier or a lower MRR, whatever the other does; an upgrade is a rise alone.

with
plans as (select * from {{ ref('int_plans') }}),

plan_ledger as (
    select
        plan_ledger.*,
        plans.product_key,
        plans.tier,
        row_number() over (
            partition by plan_ledger.customer_key, plans.product_key, plan_ledger.movement_date
            order by plan_ledger.opening_mrr desc, plan_ledger.plan_key asc
        ) as opening_rank
    from {{ ref('int_plan_mrr_ledger') }} as plan_ledger
    inner join plans using (plan_key)
),

product_days as (
    select
        customer_key,
        product_key,
        movement_date,
        cast(sum(opening_mrr) as decimal(38, 6)) as opening_mrr,
        cast(sum(closing_mrr) as decimal(38, 6)) as closing_mrr,
        max(tier) filter (where opening_mrr > 0) as opening_tier,
        max(tier) filter (where closing_mrr > 0) as closing_tier,
        max(plan_key) filter (where opening_rank = 1) as opening_plan_key
    from plan_ledger
    group by customer_key, product_key, movement_date
    having sum(opening_mrr) > 0 and sum(closing_mrr) > 0
),

typed_days as (
    select
        *,
        case
            when closing_tier < opening_tier or closing_mrr < opening_mrr then 'downgrade'
            when closing_tier > opening_tier or closing_mrr > opening_mrr then 'upgrade'
        end as change_type
    from product_days
),

changes as (select * from typed_days where change_type is not null)

select * from changes
