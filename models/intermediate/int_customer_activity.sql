-- One row per customer with a day of activity before as_of_date: his last one, and the events of the last days.

with
as_of_date as (select * from {{ ref('int_as_of_date') }}),

known_activity as (
    select
        activity.*,
        activity.activity_date >= {{ dbt.dateadd('day', -30, 'as_of_date.as_of_date') }} as is_of_last_30_days,
        activity.activity_date >= {{ dbt.dateadd('day', -60, 'as_of_date.as_of_date') }} as is_of_last_60_days
    from {{ ref('stg_activity') }} as activity
    inner join as_of_date on activity.activity_date < as_of_date.as_of_date
),

customer_activity as (
    select
        customer_id,
        max(activity_date) filter (where events > 0) as last_activity_on,
        cast(coalesce(sum(events) filter (where is_of_last_30_days), 0) as bigint) as events_last_30_days,
        cast(
            coalesce(sum(events) filter (where is_of_last_60_days and not is_of_last_30_days), 0) as bigint
        ) as events_previous_30_days
    from known_activity
    group by customer_id
)

select * from customer_activity
