-- One row per billing source and raw table: what was read, kept and set aside, until when it is known, and the MRR now
-- beside the vendor's own figure.

{{ config(
    enabled = raw_tables_are() == 'sources',
    post_hook = "{{ remark(mrr_unlike_the_vendors()) }}"
) }}

with
reconciliations as (
    select *
    from {{ from_all_sources('reconciliation', [
        'source_name', 'raw_table', 'rows_read', 'rows_test', 'rows_deleted', 'rows_never_started', 'loaded_at',
        'vendor_mrr'
    ]) }} as delivered
),

facts as (
    select
        'customers' as raw_table,
        source_name,
        created_at as fact_at,
        null as currency
    from {{ ref('source_customers') }}
    union all
    select
        'plans' as raw_table,
        source_name,
        null as fact_at,
        currency
    from {{ ref('source_plans') }}
    union all
    select
        'subscriptions' as raw_table,
        source_name,
        started_at as fact_at,
        null as currency
    from {{ ref('source_subscriptions') }}
    union all
    select
        'orders' as raw_table,
        source_name,
        ordered_at as fact_at,
        currency
    from {{ ref('source_orders') }}
),

kept as (
    select
        raw_table,
        source_name,
        count(*) as rows_kept,
        min(fact_at) as first_fact_at,
        max(fact_at) as last_fact_at,
        string_agg(distinct currency, ', ' order by currency) as currencies
    from facts
    group by raw_table, source_name
),

mrr_now as (
    select
        split_part(plan_id, ':', 1) as source_name,
        sum(mrr) as mrr
    from {{ ref('plans') }}
    group by source_name
),

reconciled as (
    select
        source_name,
        reconciliations.source_type,
        raw_table,
        cast(reconciliations.rows_read as bigint) as rows_read,
        cast(coalesce(kept.rows_kept, 0) as bigint) as rows_kept,
        cast(reconciliations.rows_test as bigint) as rows_test,
        cast(reconciliations.rows_deleted as bigint) as rows_deleted,
        cast(reconciliations.rows_never_started as bigint) as rows_never_started,
        kept.first_fact_at,
        kept.last_fact_at,
        reconciliations.loaded_at,
        kept.currencies,
        cast(case when raw_table = 'subscriptions' then mrr_now.mrr end as decimal(38, 6)) as mrr,
        cast(reconciliations.vendor_mrr as decimal(38, 6)) as vendor_mrr
    from reconciliations
    left join kept using (source_name, raw_table)
    left join mrr_now using (source_name)
)

select * from reconciled
