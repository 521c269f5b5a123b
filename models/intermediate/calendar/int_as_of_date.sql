-- One row: as_of_date, the first date not yet known. The only clock of the project.
-- Ends do not count for the default: they may be scheduled. Of billing sources it is how far all of them are known.

with
latest_instants as (
    select max(created_at) as latest_at
    from {{ ref('stg_customers') }}
    union all
    select max(started_at) as latest_at
    from {{ ref('stg_subscriptions') }}
    union all
    select max(ordered_at) as latest_at
    from {{ ref('stg_orders') }}
),

as_of_dates as (
    select
        coalesce(
            cast({{ "'" ~ var('as_of_date') ~ "'" if var('as_of_date') else 'null' }} as date),
            {% if raw_tables_are() == 'sources' -%}
                (select min(source_loads.known_until) from {{ ref('source_loads') }} as source_loads),
            {% endif -%}
            cast({{ dbt.dateadd('day', 1, business_date('max(latest_at)')) }} as date)
        ) as as_of_date
    from latest_instants
)

select * from as_of_dates
