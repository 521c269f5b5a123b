-- One row per grain, period, segment value, stage at the opening and other stage at the closing that occurred: the
-- customers who went from one to the other, boundary to boundary.

with
-- Most periods of a customer have one day of his ledger: only the others need to be grouped.
single_days as (select * from {{ ref('int_lifecycle_ledger_periods') }} where is_first_in_period and is_last_in_period),

first_and_last_days as (
    select *
    from {{ ref('int_lifecycle_ledger_periods') }}
    where is_first_in_period <> is_last_in_period
),

segments as (select * from {{ ref('int_segments') }}),

-- A period changes a customer from the stage before its first ledger day to the stage after its last.
customer_periods as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        country,
        acquisition_channel,
        coalesce(stage_before, 'none') as from_stage,
        stage_after as to_stage
    from single_days
    union all
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        country,
        acquisition_channel,
        coalesce(max(stage_before) filter (where is_first_in_period), 'none') as from_stage,
        max(stage_after) filter (where is_last_in_period) as to_stage
    from first_and_last_days
    group by customer_id, period_grain, period_start_date, period_end_date, is_complete, country, acquisition_channel
),

transitions_by_combination as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        country,
        acquisition_channel,
        from_stage,
        to_stage,
        count(*) as customers
    from customer_periods
    where from_stage <> to_stage
    group by
        period_grain, period_start_date, period_end_date, is_complete, country, acquisition_channel, from_stage,
        to_stage
),

transitions as (
    select
        sums.period_grain,
        sums.period_start_date,
        sums.period_end_date,
        sums.is_complete,
        segments.segment,
        segments.segment_value,
        sums.from_stage,
        sums.to_stage,
        cast(sum(sums.customers) as bigint) as customers
    from transitions_by_combination as sums
    inner join segments using (country, acquisition_channel)
    group by
        sums.period_grain, sums.period_start_date, sums.period_end_date, sums.is_complete, segments.segment,
        segments.segment_value, sums.from_stage, sums.to_stage
)

select * from transitions
