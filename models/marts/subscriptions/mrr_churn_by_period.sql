-- One row per grain, period and segment value: MRR at the opening and the closing of the period, and what moved it.
-- What exchange rates did to it stands beside the bridge; without them it is null.

with
mrr_by_period as (
    select
        mrr.*,
        effects.opening_difference,
        effects.closing_difference
    from {{ ref('int_mrr_by_period') }} as mrr
    left join {{ ref('int_currency_effects_by_period') }} as effects using (period_id, segment_id)
),

mrr_churn as (
    select
        period_grain,
        period_start_date,
        period_end_date,
        is_complete,
        segment,
        segment_value,
        cast(opening_mrr as decimal(38, 6)) as opening_mrr,
        cast(new_mrr as decimal(38, 6)) as new_mrr,
        cast(reactivation_mrr as decimal(38, 6)) as reactivation_mrr,
        cast(expansion_mrr as decimal(38, 6)) as expansion_mrr,
        cast(contraction_mrr as decimal(38, 6)) as contraction_mrr,
        cast(churned_mrr as decimal(38, 6)) as churned_mrr,
        cast(closing_mrr as decimal(38, 6)) as closing_mrr,
        cast(expansion_customers as bigint) as expansion_customers,
        cast(contraction_customers as bigint) as contraction_customers,
        mrr_churn_rate,
        gross_mrr_churn_rate,
        net_mrr_churn_rate,
        cast(net_new_mrr as decimal(38, 6)) as net_new_mrr,
        quick_ratio,
        cast(mrr_lost_while_new as decimal(38, 6)) as churned_new_customer_mrr,
        cast(churned_mrr - mrr_lost_while_new as decimal(38, 6)) as churned_existing_customer_mrr,
        cast(closing_mrr + closing_difference as decimal(38, 6)) as closing_mrr_at_closing_rates,
        cast(closing_difference - opening_difference as decimal(38, 6)) as fx_effect
    from mrr_by_period
)

select * from mrr_churn
