-- One row per customer with a day of activity before as_of_date: the last one, and the events of the last days.

with
as_of_date as (select * from {{ ref('int_as_of_date') }}),

customers as (select * from {{ ref('int_customers') }}),

known_activity as (
    select
        customers.customer_key,
        activity.activity_date,
        activity.events,
        activity.activity_date >= {{ dbt.dateadd('day', -30, 'as_of_date.as_of_date') }} as is_of_last_30_days,
        activity.activity_date >= {{ dbt.dateadd('day', -60, 'as_of_date.as_of_date') }} as is_of_last_60_days
    from {{ ref('stg_activity') }} as activity
    inner join as_of_date on activity.activity_date < as_of_date.as_of_date
    inner join customers using (customer_id)
),

customer_activity as (
    select
        customer_key,
        max(activity_date) filter (where events > 0) as last_activity_on,
        cast(coalesce(sum(events) filter (where is_of_last_30_days), 0) as bigint) as events_last_30_days,
        cast(
            coalesce(sum(events) filter (where is_of_last_60_days and not is_of_last_30_days), 0) as bigint
        ) as events_previous_30_days
    from known_activity
    group by customer_key
)

select * from customer_activity
