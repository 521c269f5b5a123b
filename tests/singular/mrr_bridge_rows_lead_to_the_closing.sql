-- What runs up to the last movement is the closing, in every row of every grain and segment, which has all seven steps;
-- and each step begins where the one before it ended.

with
bridge_rows as (select * from {{ ref('mrr_bridge_by_period') }}),

bridges as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        count(*) as steps,
        max(running_mrr) filter (where step_number = 6) as running_to_the_end,
        max(mrr) filter (where step = 'closing') as closing_mrr,
        sum(mrr) filter (where step <> 'closing') as sum_of_steps
    from bridge_rows
    group by period_grain, period_start_date, segment, segment_value
)

select bridges.*
from bridges
full join {{ ref('mrr_churn_by_period') }} as mrr_churn
    using (period_grain, period_start_date, segment, segment_value)
where
    bridges.steps is distinct from 7
    or bridges.running_to_the_end is distinct from mrr_churn.closing_mrr
    or bridges.closing_mrr is distinct from mrr_churn.closing_mrr
    or bridges.sum_of_steps is distinct from mrr_churn.closing_mrr
