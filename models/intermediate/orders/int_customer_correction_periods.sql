-- One row per customer, grain and period in which revenue of the customer was corrected: by how much, whether they also
-- ordered in it, and whether it holds their first order.

with
corrections as (select * from {{ ref('int_corrections') }} where customer_key is not null),

date_periods as (select * from {{ ref('int_date_periods') }}),

ordering_customers as (select * from {{ ref('int_order_periods') }} where is_first_in_period),

correction_sums as (
    select
        corrections.customer_key,
        corrections.combination_id,
        date_periods.period_id,
        coalesce(
            corrections.first_order_date >= date_periods.period_start_date
            and corrections.first_order_date <= date_periods.period_end_date,
            false
        ) as is_new_customer,
        cast(sum(corrections.revenue) as decimal(34, 10)) as revenue
    from corrections
    inner join date_periods on corrections.correction_date = date_periods.date_day
    group by
        corrections.customer_key, corrections.combination_id, date_periods.period_id, corrections.first_order_date,
        date_periods.period_start_date, date_periods.period_end_date
),

customer_periods as (
    select
        correction_sums.customer_key,
        correction_sums.combination_id,
        correction_sums.period_id,
        correction_sums.is_new_customer,
        ordering_customers.customer_key is not null as has_order,
        correction_sums.revenue
    from correction_sums
    left join ordering_customers using (customer_key, period_id)
)

select * from customer_periods
