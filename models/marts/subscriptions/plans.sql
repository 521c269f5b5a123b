-- One row per plan, as known at as_of_date: its terms, and who pays for it.

with
plans as (select * from {{ ref('stg_plans') }}),

plan_keys as (select * from {{ ref('int_plans') }}),

paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0 and ended_at is null),

sums as (
    select
        plan_key,
        sum(mrr) as mrr,
        count(distinct customer_key) as paying_customers
    from paid_stretches
    group by plan_key
),

described_plans as (
    select
        plans.plan_id,
        plans.plan_name,
        plans.product,
        plans.tier,
        plans.price,
        plans.currency,
        plans.billing_interval,
        plans.billing_interval_count,
        cast(coalesce(sums.mrr, 0) as decimal(38, 6)) as mrr,
        cast(coalesce(sums.paying_customers, 0) as bigint) as paying_customers
    from plans
    inner join plan_keys using (plan_id)
    left join sums using (plan_key)
)

select * from described_plans
