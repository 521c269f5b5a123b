-- One row per build and expectation on a raw table: whether it held, how many rows did not, and samples of them.
-- A view, so that it also tells why a build stopped short of building it anew.

-- depends_on: {{ raw('orders') }}

with
expectation_results as (select * from {{ source('quality', 'expectation_results') }}),

data_quality as (
    select
        build_id,
        checked_at,
        raw_table,
        column_name,
        expectation,
        description,
        severity,
        is_success,
        rows_checked,
        rows_failed,
        rows_quarantined,
        samples,
        failed_keys,
        build_id = first_value(build_id) over (
            partition by raw_table
            order by checked_at desc nulls last, build_id asc
        ) as is_latest
    from expectation_results
)

select * from data_quality
