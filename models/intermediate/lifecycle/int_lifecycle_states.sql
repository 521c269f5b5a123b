-- One row per customer and event of their lifecycle: the dates on which the lapse of time alone may change their stage
-- until the next event. All of it is as at the closing of the day.

with
events as (select * from {{ ref('int_lifecycle_events') }}),

running_facts as (
    select
        customer_key,
        event_date,
        mrr_change,
        lead(event_date) over history as next_event_date,
        min(fact_date) over history as first_active_date,
        sum(mrr_change) over history as mrr,
        max(last_order_date) over history as last_order_date,
        max(last_order_date) over (
            partition by customer_key order by event_date
            rows between unbounded preceding and 1 preceding
        ) as last_order_date_before,
        max(case when mrr_change <> 0 then event_date end) over history as last_change_date,
        max(case when mrr_change < 0 then event_date end) over history as last_decrease_date
    from events
    window history as (partition by customer_key order by event_date)
),

activity as (
    select
        *,
        mrr > 0
        or coalesce(event_date < {{ dbt.dateadd('day', var('inactivity_days'), 'last_order_date') }}, false)
            as is_active,
        mrr > mrr_change
        or coalesce(event_date <= {{ dbt.dateadd('day', var('inactivity_days'), 'last_order_date_before') }}, false)
            as was_active_the_day_before
    from running_facts
),

-- Who has been active before, and was not until now, has come back.
returns as (
    select
        *,
        max(case
            when is_active and not was_active_the_day_before and first_active_date < event_date then event_date
        end) over (partition by customer_key order by event_date) as last_return_date
    from activity
),

states as (
    select
        customer_key,
        event_date,
        next_event_date,
        first_active_date,
        -- Without MRR and without an order the customer is not active from the event on.
        case
            when mrr = 0 and last_order_date is null then event_date
            when mrr = 0 then cast({{ dbt.dateadd('day', var('inactivity_days'), 'last_order_date') }} as date)
        end as lapsed_from_date,
        cast({{ dbt.dateadd('day', var('new_customer_days'), 'first_active_date') }} as date) as new_until_date,
        cast({{ dbt.dateadd('day', var('new_customer_days'), 'last_return_date') }} as date) as reactivated_until_date,
        -- A later increase has made up for a decrease.
        case
            when mrr > 0 and last_decrease_date = last_change_date
                then cast({{ dbt.dateadd('day', var('declining_days'), 'last_decrease_date') }} as date)
        end as declining_until_date,
        case
            when mrr = 0 then cast({{ dbt.dateadd('day', var('declining_days'), 'last_order_date') }} as date)
        end as declining_from_date
    from returns
)

select * from states
