-- One row per grain, period, segment value, stage at the opening and other stage at the closing that occurred: the
-- customers who went from one to the other, boundary to boundary.

with

ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- A period changes a customer from the stage before its first ledger day to the stage after its last.
customer_periods as (

    select
        ledger.customer_id,
        date_periods.period_grain,
        date_periods.period_start_date,
        date_periods.period_end_date,
        date_periods.is_complete,
        ledger.country,
        ledger.acquisition_channel,
        max(case
            when coalesce(ledger.previous_stage_date < date_periods.period_start_date, true)
                then coalesce(ledger.stage_before, 'none')
        end) as from_stage,
        max(case
            when coalesce(ledger.next_stage_date > date_periods.period_end_date, true) then ledger.stage_after
        end) as to_stage

    from ledger
    inner join date_periods
        on ledger.stage_date = date_periods.date_day
    group by
        ledger.customer_id,
        date_periods.period_grain,
        date_periods.period_start_date,
        date_periods.period_end_date,
        date_periods.is_complete,
        ledger.country,
        ledger.acquisition_channel

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
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        country,
        acquisition_channel,
        from_stage,
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
    inner join segments
        on
            sums.country = segments.country
            and sums.acquisition_channel = segments.acquisition_channel
    group by
        sums.period_grain,
        sums.period_start_date,
        sums.period_end_date,
        sums.is_complete,
        segments.segment,
        segments.segment_value,
        sums.from_stage,
        sums.to_stage

)

select * from transitions
