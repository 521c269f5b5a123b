-- One row per grain, period, segment value, stage at the opening and other stage at the closing that occurred: the
-- customers who went from one to the other, boundary to boundary.

with
segments as (select * from {{ ref('int_segments') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'lifecycle'),

-- A period changes a customer from the stage before its first ledger day to the stage after its last. Most periods of a
-- customer have one day of their ledger: only the others need to be grouped.
customer_periods as (
    select
        period_id,
        combination_id,
        coalesce(stage_before, 'none') as from_stage,
        stage_after as to_stage
    from {{ ref('int_lifecycle_ledger_periods') }}
    where is_first_in_period and is_last_in_period
    union all
    select
        period_id,
        combination_id,
        coalesce(max(stage_before) filter (where is_first_in_period), 'none') as from_stage,
        max(stage_after) filter (where is_last_in_period) as to_stage
    from {{ ref('int_lifecycle_ledger_periods') }}
    where is_first_in_period <> is_last_in_period
    group by customer_key, period_id, combination_id
),

sums_by_combination as (
    select
        period_id,
        combination_id,
        from_stage,
        to_stage,
        count(*) as customers
    from customer_periods
    where from_stage <> to_stage
    group by period_id, combination_id, from_stage, to_stage
),

sums_by_segment as (
    select
        sums.period_id,
        segments.segment_id,
        sums.from_stage,
        sums.to_stage,
        sum(sums.customers) as customers
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.period_id, segments.segment_id, sums.from_stage, sums.to_stage
),

transitions as (
    select
        segment_periods.period_grain,
        segment_periods.period_start_date,
        segment_periods.period_end_date,
        segment_periods.is_complete,
        segment_periods.segment,
        segment_periods.segment_value,
        sums.from_stage,
        sums.to_stage,
        cast(sums.customers as bigint) as customers
    from sums_by_segment as sums
    inner join segment_periods using (period_id, segment_id)
)

select * from transitions
