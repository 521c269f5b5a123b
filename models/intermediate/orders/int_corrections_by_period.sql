-- One row per grain, period and segment value, from the value's first countable order on, with a correction in it or in
-- the period before: the revenue corrected; of it that of customers without an order in the period, which shrinks
-- revenue there and lets that of the next period grow, since nobody is lost by it.

with
corrections as (select * from {{ ref('int_corrections') }}),

customer_periods as (select * from {{ ref('int_customer_correction_periods') }}),

date_periods as (select * from {{ ref('int_date_periods') }}),

segments as (select * from {{ ref('int_segments') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where basis = 'order'),

guest_sums as (
    select
        date_periods.period_id,
        corrections.combination_id,
        sum(corrections.revenue) as revenue
    from corrections
    inner join date_periods on corrections.correction_date = date_periods.date_day
    where corrections.customer_key is null
    group by date_periods.period_id, corrections.combination_id
),

steps as (
    select 0 as step
    union all
    select 1 as step
),

-- Of a customer, in the period itself and, taken back, in the next one.
stray_changes as (
    select
        customer_periods.customer_key,
        segment_periods.period_id + steps.step as period_id,
        segment_periods.segment_id,
        sum(case steps.step when 0 then customer_periods.revenue else 0 end) as revenue,
        sum(case steps.step when 0 then customer_periods.revenue else -customer_periods.revenue end) as stray_change
    from customer_periods
    inner join segments using (combination_id)
    inner join segment_periods using (period_id, segment_id)
    cross join steps
    where not customer_periods.has_order
    group by customer_periods.customer_key, segment_periods.period_id + steps.step, segment_periods.segment_id
),

changes as (
    select
        customer_periods.period_id,
        segments.segment_id,
        customer_periods.revenue,
        customer_periods.revenue as identified_revenue,
        case when customer_periods.is_new_customer then customer_periods.revenue else 0 end as new_customer_revenue,
        0 as stray_revenue,
        0 as stray_change
    from customer_periods
    inner join segments using (combination_id)
    union all
    select
        guest_sums.period_id,
        segments.segment_id,
        guest_sums.revenue,
        0 as identified_revenue,
        0 as new_customer_revenue,
        0 as stray_revenue,
        0 as stray_change
    from guest_sums
    inner join segments using (combination_id)
    union all
    select
        period_id,
        segment_id,
        0 as revenue,
        0 as identified_revenue,
        0 as new_customer_revenue,
        revenue as stray_revenue,
        stray_change
    from stray_changes
),

sums as (
    select
        segment_periods.period_id,
        segment_periods.segment_id,
        cast(sum(changes.revenue) as decimal(34, 10)) as revenue,
        cast(sum(changes.identified_revenue) as decimal(34, 10)) as identified_revenue,
        cast(sum(changes.new_customer_revenue) as decimal(34, 10)) as new_customer_revenue,
        cast(sum(changes.stray_revenue) as decimal(34, 10)) as stray_revenue,
        cast(sum(greatest(changes.stray_change, 0)) as decimal(34, 10)) as growth_revenue,
        cast(sum(greatest(-changes.stray_change, 0)) as decimal(34, 10)) as shrinkage_revenue
    from changes
    inner join segment_periods using (period_id, segment_id)
    group by segment_periods.period_id, segment_periods.segment_id
)

select * from sums
