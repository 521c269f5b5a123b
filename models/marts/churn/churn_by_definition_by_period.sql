-- One row per grain, period, segment value and definition of churn: who could be lost by it at the opening, who was.

with
churn_definitions as (select * from {{ ref('churn_definitions') }}),

segment_periods as (select * from {{ ref('int_segment_periods') }} where segment_id > 0),

churn_sums as (select * from {{ ref('int_churn_sums_by_period') }}),

mrr_by_period as (select * from {{ ref('int_mrr_by_period') }}),

period_sums as (
    select
        segment_periods.*,
        churn_definitions.churn_definition,
        coalesce(churn_sums.lost_customers, 0) as lost_customers,
        coalesce(churn_sums.customers_change, 0) as customers_change,
        coalesce(churn_sums.mrr_lost, 0) as mrr_lost
    from segment_periods
    inner join churn_definitions using (basis)
    left join churn_sums using (churn_definition, period_id, segment_id)
),

-- By orders: those who are there at the closing, minus what changed since the opening.
order_openings as (
    select
        *,
        (sum(customers_change) over (
            partition by churn_definition, segment_id, period_grain
            order by period_start_date
        )) - customers_change as opening_order_customers
    from period_sums
),

openings as (
    select
        order_openings.*,
        case
            when order_openings.basis = 'order' then order_openings.opening_order_customers
            else mrr_by_period.opening_customers
        end as opening_customers_at_risk
    from order_openings
    left join mrr_by_period using (period_id, segment_id)
),

churn_by_definition as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        churn_definition,
        cast(opening_customers_at_risk as bigint) as opening_customers_at_risk,
        cast(lost_customers as bigint) as lost_customers,
        {{ ratio('lost_customers', 'opening_customers_at_risk') }} as loss_rate,
        cast(case when basis = 'subscription' then mrr_lost end as decimal(38, 6)) as lost_mrr
    from openings
)

select * from churn_by_definition
