-- One row per paying customer: how much their MRR would grow if each of their paid stretches moved up one tier.

with
paid_stretches as (select * from {{ ref('int_mrr_stretches') }} where mrr > 0 and ended_at is null),

plans as (select * from {{ ref('int_plans') }}),

higher_plans as (
    select
        plans.plan_key,
        higher.price,
        higher.currency,
        higher.billing_interval,
        higher.billing_interval_count,
        row_number() over (
            partition by plans.plan_key
            order by higher.tier asc, higher.price asc, higher.plan_key asc
        ) as price_rank
    from plans
    inner join plans as higher
        on
            plans.product = higher.product
            and plans.tier < higher.tier
            and plans.billing_interval = higher.billing_interval
            and plans.billing_interval_count = higher.billing_interval_count
            and plans.currency = higher.currency
),

next_plans as (select * from higher_plans where price_rank = 1),

next_prices as (
    select
        paid_stretches.customer_key,
        paid_stretches.mrr,
        {{ monthly_amount(
            'next_plans', 'paid_stretches.quantity', 'paid_stretches.discount_percent',
            rate='paid_stretches.booked_rate'
        ) }} as next_mrr
    from paid_stretches
    left join next_plans using (plan_key)
),

headroom as (
    select
        customer_key,
        cast(sum(greatest(coalesce(next_mrr - mrr, 0), 0)) as decimal(38, 6)) as upsell_headroom_mrr
    from next_prices
    group by customer_key
)

select * from headroom
