-- On every grain, period and segment value, a lifecycle stage closes with what it opened with, plus those who came from
-- another stage, minus those who went to another. A first period opens with the customers of before.

with
ledger as (select * from {{ ref('int_lifecycle_ledger') }}),

segments as (select * from {{ ref('int_segments') }}),

transitions as (select * from {{ ref('lifecycle_transitions_by_period') }}),

first_days as (
    select
        period_grain,
        min(date_day) as first_day
    from {{ ref('int_date_periods') }}
    group by period_grain
),

customers_before as (
    select
        first_days.period_grain,
        segments.segment,
        segments.segment_value,
        ledger.stage_after as lifecycle_stage,
        count(*) as customers
    from ledger
    inner join first_days
        on
            ledger.stage_date < first_days.first_day
            and coalesce(ledger.next_stage_date >= first_days.first_day, true)
    inner join segments using (combination_id)
    group by first_days.period_grain, segments.segment, segments.segment_value, ledger.stage_after
),

closings as (
    select
        *,
        lag(customers) over (
            partition by period_grain, segment, segment_value, lifecycle_stage
            order by period_start_date
        ) as previous_customers
    from {{ ref('lifecycle_by_period') }}
),

flows as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        to_stage as lifecycle_stage,
        customers
    from transitions
    union all
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        from_stage as lifecycle_stage,
        -customers as customers
    from transitions
),

net_flows as (
    select
        period_grain,
        period_start_date,
        segment,
        segment_value,
        lifecycle_stage,
        sum(customers) as customers
    from flows
    group by period_grain, period_start_date, segment, segment_value, lifecycle_stage
)

select
    closings.*,
    customers_before.customers as customers_before,
    net_flows.customers as net_flow
from closings
left join customers_before using (period_grain, segment, segment_value, lifecycle_stage)
left join net_flows using (period_grain, period_start_date, segment, segment_value, lifecycle_stage)
where
    closings.customers
    <> coalesce(closings.previous_customers, customers_before.customers, 0) + coalesce(net_flows.customers, 0)
