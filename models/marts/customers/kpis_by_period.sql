-- One row per grain, period and segment value, from the value's first paid start or countable order on: the headline
-- numbers of the other marts, side by side. Nothing is computed here. A side without such a period is null.

with
lifetime_values as (select * from {{ ref('clv_by_period') }}),

periods as (select * from {{ ref('periods') }}),

customer_churn as (select * from {{ ref('customer_churn_by_period') }}),

mrr_churn as (select * from {{ ref('mrr_churn_by_period') }}),

retention as (select * from {{ ref('retention_by_period') }}),

repeat_purchase as (select * from {{ ref('repeat_purchase_by_period') }}),

kpis as (
    select
        lifetime_values.period_grain,
        lifetime_values.period_start_date,
        lifetime_values.period_end_date,
        lifetime_values.is_complete,
        lifetime_values.segment,
        lifetime_values.segment_value,
        periods.period_label,
        cast({{ reporting_currency() }} as {{ dbt.type_string() }}) as currency,
        customer_churn.opening_customers,
        customer_churn.new_customers,
        customer_churn.reactivated_customers,
        customer_churn.churned_customers,
        customer_churn.closing_customers,
        customer_churn.churn_rate,
        retention.retention_rate,
        mrr_churn.opening_mrr,
        mrr_churn.new_mrr,
        mrr_churn.reactivation_mrr,
        mrr_churn.expansion_mrr,
        mrr_churn.contraction_mrr,
        mrr_churn.churned_mrr,
        mrr_churn.closing_mrr,
        mrr_churn.net_new_mrr,
        mrr_churn.mrr_churn_rate,
        retention.net_revenue_retention,
        retention.gross_revenue_retention,
        mrr_churn.quick_ratio,
        lifetime_values.arpa,
        lifetime_values.subscription_clv,
        repeat_purchase.orders,
        repeat_purchase.revenue,
        repeat_purchase.average_order_value,
        repeat_purchase.repeat_purchase_rate,
        repeat_purchase.order_retention_rate,
        lifetime_values.order_clv
    from lifetime_values
    inner join periods using (period_grain, period_start_date)
    left join customer_churn using (period_grain, period_start_date, segment, segment_value)
    left join mrr_churn using (period_grain, period_start_date, segment, segment_value)
    left join retention using (period_grain, period_start_date, segment, segment_value)
    left join repeat_purchase using (period_grain, period_start_date, segment, segment_value)
)

select * from kpis
