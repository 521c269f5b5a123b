-- On every grain, the customers and the MRR lost by a definition in all periods are those of its events.

with
grains as (select * from {{ ref('period_grains') }}),

definitions as (select * from {{ ref('churn_definitions') }}),

events as (
    select
        churn_definition,
        count(*) as lost_customers,
        sum(mrr_lost) as lost_mrr
    from {{ ref('churn_events') }}
    group by churn_definition
),

period_sums as (
    select
        period_grain,
        churn_definition,
        sum(lost_customers) as lost_customers,
        sum(lost_mrr) as lost_mrr
    from {{ ref('churn_by_definition_by_period') }}
    where segment = 'all'
    group by period_grain, churn_definition
)

select
    grains.period_grain,
    definitions.churn_definition,
    events.lost_customers as events,
    period_sums.lost_customers,
    events.lost_mrr as mrr_of_events,
    period_sums.lost_mrr
from grains
cross join definitions
left join events using (churn_definition)
left join period_sums using (period_grain, churn_definition)
where
    coalesce(events.lost_customers, 0) <> coalesce(period_sums.lost_customers, 0)
    or coalesce(events.lost_mrr, 0) <> coalesce(period_sums.lost_mrr, 0)
