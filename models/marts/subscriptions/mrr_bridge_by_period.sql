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

signed_steps as (
    select
        mrr_by_period.*,
        steps.step_number,
        steps.step,
        case steps.step
            when 'opening' then mrr_by_period.opening_mrr
            when 'new' then mrr_by_period.new_mrr
            when 'reactivation' then mrr_by_period.reactivation_mrr
            when 'expansion' then mrr_by_period.expansion_mrr
            when 'contraction' then -mrr_by_period.contraction_mrr
            when 'churned' then -mrr_by_period.churned_mrr
            when 'closing' then mrr_by_period.closing_mrr
        end as mrr
    from mrr_by_period
    cross join steps
),

-- The closing is a balance of its own: it is not added to what leads up to it.
bridges as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(step_number as bigint) as step_number,
        step,
        cast(mrr as decimal(38, 6)) as mrr,
        cast(
            case
                when step = 'closing' then mrr
                else (sum(mrr) over (
                    partition by period_grain, period_start_date, segment, segment_value
                    order by step_number
                ))
            end as decimal(38, 6)
        ) as running_mrr
    from signed_steps
)

select * from bridges
