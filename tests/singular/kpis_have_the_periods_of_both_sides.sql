-- Every row of the subscription and order marts is in kpis_by_period, with its numbers, but those by plan; and it
-- has no other rows.

with
kpis as (select * from {{ ref('kpis_by_period') }}),

mrr_churn as (
    select *
    from {{ ref('mrr_churn_by_period') }}
    where segment not in ({{ text_list(plan_segments()) }})
),

repeat_purchase as (select * from {{ ref('repeat_purchase_by_period') }})

select
    period_grain,
    period_start_date,
    segment,
    segment_value
from kpis
full join mrr_churn using (period_grain, period_start_date, segment, segment_value)
full join repeat_purchase using (period_grain, period_start_date, segment, segment_value)
where
    kpis.currency is null
    or kpis.closing_mrr is distinct from mrr_churn.closing_mrr
    or kpis.revenue is distinct from repeat_purchase.revenue
    or coalesce(kpis.closing_mrr, kpis.revenue) is null
