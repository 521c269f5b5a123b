-- One row per paid yearly stretch that ended and was not renewed: no other paid stretch of its customer and product was
-- live at any time from its end to the last day of grace. It is lost on that day, so that the past is never restated.

{% set last_grace_day = dbt.dateadd('day', var('renewal_grace_days'), 'terms.end_date') %}

with
plans as (select * from {{ ref('int_plans') }}),

paid_stretches as (
    select
        stretches.*,
        plans.product_key,
        plans.billing_interval
    from {{ ref('int_mrr_stretches') }} as stretches
    inner join plans using (plan_key)
    where stretches.mrr > 0
),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

ended_terms as (
    select
        terms.*,
        cast({{ last_grace_day }} as date) as grace_end_date
    from paid_stretches as terms
    where terms.billing_interval = 'year' and terms.end_date is not null
),

-- A renewal outlasts the term; where it began before the end, it was running beside it.
unrenewed_terms as (
    select
        ended_terms.stretch_key,
        ended_terms.customer_key,
        ended_terms.plan_key,
        ended_terms.mrr,
        ended_terms.grace_end_date
    from ended_terms
    inner join as_of_date on ended_terms.grace_end_date < as_of_date.as_of_date
    left join paid_stretches as renewals
        on
            ended_terms.customer_key = renewals.customer_key
            and ended_terms.product_key = renewals.product_key
            and ended_terms.ended_at < coalesce(renewals.ended_at, cast('9999-12-31' as timestamp))
            and ended_terms.grace_end_date >= renewals.start_date
    where renewals.stretch_key is null
)

select * from unrenewed_terms
