-- One row per billing source: how far it is known. Where its loader says when it wrote the newest row, that day is the
-- first one not wholly known; else it is the day after the newest start, order or sign-up.

-- depends_on: {{ ref('source_capabilities') }}

{{ config(
    enabled = raw_tables_are() == 'sources',
    materialized = 'table',
    post_hook = [
        "{{ remark(sources_that_lag_behind()) }}", "{{ say_what_sources_lack() }}", "{{ say_what_sources_cannot_tell() }}"
    ]
) }}

with
facts as (
    select
        source_name,
        created_at as fact_at
    from {{ ref('source_customers') }}
    union all
    select
        source_name,
        started_at as fact_at
    from {{ ref('source_subscriptions') }}
    union all
    select
        source_name,
        ordered_at as fact_at
    from {{ ref('source_orders') }}
),

newest_loads as (
    select
        source_name,
        max(cast(loaded_at as timestamp)) as loaded_at
    from {{ from_all_sources('reconciliation', ['source_name', 'loaded_at']) }} as reconciliations
    group by source_name
),

newest_facts as (
    select
        source_name,
        max(fact_at) as newest_fact_at
    from facts
    group by source_name
)

select
    source_name,
    newest_loads.loaded_at,
    newest_facts.newest_fact_at,
    cast(
        coalesce(
            {{ business_date('newest_loads.loaded_at') }},
            {{ dbt.dateadd('day', 1, business_date('newest_facts.newest_fact_at')) }}
        ) as date
    ) as known_until
from newest_loads
full join newest_facts using (source_name)
