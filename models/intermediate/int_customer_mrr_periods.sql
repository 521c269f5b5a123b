-- One row per customer, grain and period in which the customer's ledger has a day: what the period did to his MRR,
-- boundary to boundary.

with
-- Most periods of a customer have one day of his ledger: grouping the others alone takes a third of the time.
single_days as (select * from {{ ref('int_ledger_periods') }} where is_first_in_period and is_last_in_period),

several_days as (select * from {{ ref('int_ledger_periods') }} where not is_first_in_period or not is_last_in_period),

-- Where a customer is transient his paid stretches lie inside the period.
inner_stretches as (
    select
        stretches.customer_id,
        stretches.plan_id,
        date_periods.period_grain,
        date_periods.period_start_date,
        row_number() over (
            partition by stretches.customer_id, date_periods.period_grain, date_periods.period_start_date
            order by stretches.mrr desc, stretches.plan_id asc
        ) as place
    from {{ ref('int_mrr_stretches') }} as stretches
    inner join {{ ref('int_date_periods') }} as date_periods
        on
            stretches.start_date = date_periods.date_day
            and stretches.end_date <= date_periods.period_end_date
    where stretches.mrr > 0
),

balances as (
    select
        customer_id,
        period_grain,
        period_start_date,
        first_paid_date,
        country,
        acquisition_channel,
        opening_mrr,
        closing_mrr,
        opening_plan_id,
        closing_plan_id,
        case when opening_mrr > 0 and closing_mrr = 0 then movement_date end as churned_on
    from single_days
    union all
    select
        customer_id,
        period_grain,
        period_start_date,
        first_paid_date,
        country,
        acquisition_channel,
        cast(sum(opening_mrr) filter (where is_first_in_period) as decimal(18, 6)) as opening_mrr,
        cast(sum(closing_mrr) filter (where is_last_in_period) as decimal(18, 6)) as closing_mrr,
        max(opening_plan_id) filter (where is_first_in_period) as opening_plan_id,
        max(closing_plan_id) filter (where is_last_in_period) as closing_plan_id,
        max(movement_date) filter (where opening_mrr > 0 and closing_mrr = 0) as churned_on
    from several_days
    group by customer_id, period_grain, period_start_date, first_paid_date, country, acquisition_channel
),

movements as (
    select
        balances.*,
        coalesce(balances.opening_plan_id, balances.closing_plan_id, inner_stretches.plan_id) as plan_id,
        {{ movement_type(
            'balances.opening_mrr', 'balances.closing_mrr', 'balances.first_paid_date', 'balances.period_start_date'
        ) }} as movement_type
    from balances
    left join inner_stretches
        on
            balances.customer_id = inner_stretches.customer_id
            and balances.period_grain = inner_stretches.period_grain
            and balances.period_start_date = inner_stretches.period_start_date
            and inner_stretches.place = 1
            and balances.opening_mrr = 0
            and balances.closing_mrr = 0
)

select * from movements
