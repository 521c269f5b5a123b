-- One row per customer and event of their lifecycle: the dates on which the lapse of time alone may change their stage
-- until the next event. All of it is as at the closing of the day.

with
events as (select * from {{ ref('int_lifecycle_events') }}),

-- What lasts longest counts. Only what makes active has a date to lapse from.
running_facts as (
    select
        customer_key,
        event_date,
        lead(event_date) over history as next_event_date,
        min(case when lapsed_from_date is not null then event_date end) over (partition by customer_key)
            as first_active_date,
        lapsed_from_date,
        max(lapsed_from_date) over (
            partition by customer_key order by event_date
            rows between unbounded preceding and 1 preceding
        ) as lapsed_from_date_before,
        max(declining_from_date) over history as declining_from_date,
        max(declining_until_date) over history as declining_until_date
    from events
    window history as (partition by customer_key order by event_date)
),

-- Who has been active before, and was not until now, has come back.
returns as (
    select
        *,
        max(case
            when lapsed_from_date_before < event_date and event_date < lapsed_from_date then event_date
        end) over (partition by customer_key order by event_date) as last_return_date
    from running_facts
),

states as (
    select
        customer_key,
        event_date,
        next_event_date,
        case when first_active_date <= event_date then first_active_date end as first_active_date,
        greatest(lapsed_from_date_before, lapsed_from_date) as lapsed_from_date,
        cast({{ dbt.dateadd('day', var('new_customer_days'), 'first_active_date') }} as date) as new_until_date,
        cast({{ dbt.dateadd('day', var('new_customer_days'), 'last_return_date') }} as date) as reactivated_until_date,
        declining_until_date,
        declining_from_date
    from returns
)

select * from states
