"""Plain SQL on DuckDB, as the public dbt playbooks have it: every customer times every month, then window functions.

python duckdb_spine.py <raw folder> <folder for answers> subscriptions|orders
"""

import sys

import duckdb

SUBSCRIPTIONS = """
    create view paid as
    select
        subscriptions.customer_id,
        subscriptions.started_at,
        subscriptions.ended_at,
        cast(round(
            plans.price * subscriptions.quantity * (1 - subscriptions.discount_percent / 100)
            * case plans.billing_interval when 'year' then 1 / 12 when 'month' then 1 when 'week' then 52 / 12
                when 'day' then 365 / 12 end
            / plans.billing_interval_count, 6
        ) as decimal(18, 6)) as mrr
    from subscriptions
    inner join plans using (plan_id)
    where subscriptions.status in ('active', 'past_due')
        and (subscriptions.ended_at > subscriptions.started_at or subscriptions.ended_at is null)
        and plans.price * subscriptions.quantity * (100 - subscriptions.discount_percent) > 0;

    create view months as
    select cast(unnest(generate_series(
        (select date_trunc('month', min(started_at)) from paid),
        (select date_trunc('month', max(started_at)) from paid),
        interval 1 month
    )) as date) as month;

    create view customer_months as
    select spans.customer_id, spans.first_month, months.month
    from (
        select
            customer_id,
            date_trunc('month', min(started_at)) as first_month,
            max(coalesce(ended_at, timestamp 'infinity')) as last_at
        from paid
        group by customer_id
    ) as spans
    inner join months on months.month >= spans.first_month and months.month <= spans.last_at;

    create view customer_revenue as
    select
        customer_months.customer_id,
        customer_months.first_month,
        customer_months.month,
        coalesce(sum(paid.mrr), 0) as mrr
    from customer_months
    left join paid
        on customer_months.customer_id = paid.customer_id
        and paid.started_at < customer_months.month + interval 1 month
        and (paid.ended_at >= customer_months.month + interval 1 month or paid.ended_at is null)
    group by customer_months.customer_id, customer_months.first_month, customer_months.month;

    create view changes as
    select *, mrr - previous_mrr as change
    from (
        select *, coalesce(lag(mrr) over (partition by customer_id order by month), 0) as previous_mrr
        from customer_revenue
    );

    create view categories as
    select
        *,
        case
            when previous_mrr = 0 and mrr > 0 and month = first_month then 'new'
            when previous_mrr = 0 and mrr > 0 then 'reactivation'
            when previous_mrr > 0 and mrr = 0 then 'churn'
            when change > 0 then 'upgrade'
            when change < 0 then 'downgrade'
        end as category
    from changes;

    create table rolled_up as
    select
        month,
        coalesce(customers.country, 'unknown') as country,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel,
        count(*) filter (where previous_mrr > 0) as opening_customers,
        count(*) filter (where category = 'new') as new_customers,
        count(*) filter (where category = 'reactivation') as reactivated_customers,
        count(*) filter (where category = 'churn') as churned_customers,
        count(*) filter (where mrr > 0) as closing_customers,
        count(*) filter (where category = 'upgrade') as expansion_customers,
        count(*) filter (where category = 'downgrade') as contraction_customers,
        sum(previous_mrr) as opening_mrr,
        sum(change) filter (where category = 'new') as new_mrr,
        sum(change) filter (where category = 'reactivation') as reactivation_mrr,
        sum(change) filter (where category = 'upgrade') as expansion_mrr,
        -sum(change) filter (where category = 'downgrade') as contraction_mrr,
        -sum(change) filter (where category = 'churn') as churned_mrr,
        sum(mrr) as closing_mrr
    from categories
    inner join customers using (customer_id)
    group by all;

    create table subscriptions_answer as
    select
        month,
        case when grouping(country) = 0 then 'country' when grouping(acquisition_channel) = 0 then 'acquisition_channel'
            else 'all' end as segment,
        coalesce(country, acquisition_channel, 'all') as segment_value,
        sum(columns(* exclude (month, country, acquisition_channel)))
    from rolled_up
    group by grouping sets ((month), (month, country), (month, acquisition_channel));
"""

ORDERS = """
    create table counted as
    select
        orders.customer_id,
        cast(date_trunc('month', orders.ordered_at) as date) as month,
        coalesce(customers.country, 'unknown') as country,
        orders.amount - orders.refunded_amount as revenue,
        min(orders.ordered_at) over (partition by orders.customer_id) as first_ordered_at
    from orders
    left join customers using (customer_id)
    where orders.status = 'completed';

    create table customer_months as
    select
        *,
        sum(orders) over history as orders_so_far,
        lag(month) over history = month - interval 1 month as is_retained
    from (
        select
            customer_id,
            country,
            month,
            cast(date_trunc('month', any_value(first_ordered_at)) as date) as cohort,
            count(*) as orders,
            sum(revenue) as revenue
        from counted
        where customer_id is not null
        group by customer_id, country, month
    )
    window history as (partition by customer_id order by month);

    create table orders_answer as
    select *
    from (
        select
            month,
            case when grouping(country) = 0 then 'country' else 'all' end as segment,
            case when grouping(country) = 0 then country else 'all' end as segment_value,
            count(*) as orders,
            sum(revenue) as revenue
        from counted
        group by grouping sets ((month), (month, country))
    )
    left join (
        select
            month,
            case when grouping(country) = 0 then 'country' else 'all' end as segment,
            case when grouping(country) = 0 then country else 'all' end as segment_value,
            count(*) as ordering_customers,
            count(*) filter (where month = cohort) as new_ordering_customers,
            count(*) filter (where orders > 1) as repeat_customers,
            count(*) filter (where orders_so_far > 1) as returning_customers,
            count(*) filter (where is_retained) as retained_ordering_customers
        from customer_months
        group by grouping sets ((month), (month, country))
    ) using (month, segment, segment_value);

    create table cohorts_answer as
    select
        cohort,
        month,
        first_value(count(*)) over (partition by cohort order by month) as cohort_size,
        count(*) as retained_customers,
        sum(revenue) as revenue
    from customer_months
    group by cohort, month;
"""


def main(raw: str, answers: str, side: str) -> None:
    with duckdb.connect() as connection:
        for table in ["customers", "plans", "subscriptions", "orders"]:
            connection.execute(f"create view {table} as from '{raw}/{table}.parquet'")
        connection.execute(SUBSCRIPTIONS if side == "subscriptions" else ORDERS)
        for answer in ["subscriptions"] if side == "subscriptions" else ["orders", "cohorts"]:
            connection.execute(f"copy {answer}_answer to '{answers}/{answer}.parquet'")


if __name__ == "__main__":
    main(*sys.argv[1:])
