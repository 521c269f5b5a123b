-- One row per type of fact about cancellations, grain, period and segment value in which it occurred.

with
cancellation_facts as (select * from {{ ref('int_cancellation_facts') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

-- A customer counts with their first fact of a type in the period.
sums_by_combination as (
    select
        cancellation_facts.fact_type,
        date_periods.period_id,
        cancellation_facts.combination_id,
        sum(cancellation_facts.facts) as facts,
        count(*) filter (
            where coalesce(cancellation_facts.previous_fact_date < date_periods.period_start_date, true)
        ) as customers,
        sum(cancellation_facts.mrr) as mrr
    from cancellation_facts
    inner join date_periods on cancellation_facts.fact_date = date_periods.date_day
    group by cancellation_facts.fact_type, date_periods.period_id, cancellation_facts.combination_id
),

sums_by_segment as (
    select
        sums.fact_type,
        sums.period_id,
        segments.segment_id,
        cast(sum(sums.facts) as bigint) as facts,
        cast(sum(sums.customers) as bigint) as customers,
        cast(sum(sums.mrr) as decimal(38, 6)) as mrr
    from sums_by_combination as sums
    inner join segments using (combination_id)
    group by sums.fact_type, sums.period_id, segments.segment_id
)

select * from sums_by_segment
