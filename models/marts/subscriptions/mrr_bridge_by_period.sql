-- One row per grain, period, segment value and step of the MRR bridge: the opening, what moved it, and the closing, as
-- the rows that a waterfall chart wants.

with
mrr_by_period as (select * from {{ ref('mrr_churn_by_period') }}),

steps as (
    select
        1 as step_number,
        'opening' as step
    union all
    select
        2 as step_number,
        'new' as step
    union all
    select
        3 as step_number,
        'reactivation' as step
    union all
    select
        4 as step_number,
        'expansion' as step
    union all
    select
        5 as step_number,
        'contraction' as step
    union all
    select
        6 as step_number,
        'churned' as step
    union all
    select
        7 as step_number,
        'closing' as step
),

-- The closing is a balance of its own: it is not added to what leads up to it.
bridges as (
    select
        mrr_by_period.period_grain,
        mrr_by_period.period_start_date,
        mrr_by_period.period_end_date,
        mrr_by_period.is_complete,
        mrr_by_period.segment,
        mrr_by_period.segment_value,
        cast(steps.step_number as bigint) as step_number,
        steps.step,
        cast(
            case steps.step
                when 'opening' then mrr_by_period.opening_mrr
                when 'new' then mrr_by_period.new_mrr
                when 'reactivation' then mrr_by_period.reactivation_mrr
                when 'expansion' then mrr_by_period.expansion_mrr
                when 'contraction' then -mrr_by_period.contraction_mrr
                when 'churned' then -mrr_by_period.churned_mrr
                when 'closing' then mrr_by_period.closing_mrr
            end as decimal(38, 6)
        ) as mrr,
        cast(
            case
                when steps.step = 'closing' then mrr_by_period.closing_mrr
                else  -- the steps up to this one
                    mrr_by_period.opening_mrr
                    + case when steps.step_number >= 2 then mrr_by_period.new_mrr else 0 end
                    + case when steps.step_number >= 3 then mrr_by_period.reactivation_mrr else 0 end
                    + case when steps.step_number >= 4 then mrr_by_period.expansion_mrr else 0 end
                    - case when steps.step_number >= 5 then mrr_by_period.contraction_mrr else 0 end
                    - case when steps.step_number >= 6 then mrr_by_period.churned_mrr else 0 end
            end as decimal(38, 6)
        ) as running_mrr
    from mrr_by_period
    cross join steps
)

select * from bridges
