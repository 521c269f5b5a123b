-- One row per mart and month in which this build has other numbers than were published: how many, for whom it matters.
-- Only rows of the month grain count, since every other grain shows the same changes once more.

with
changes as (select * from {{ ref('build_changes') }} where period_grain = 'month'),

build_changes_by_month as (
    select
        mart,
        period_start_date as month_start_date,
        cast(count(*) as bigint) as changed_numbers,
        cast(count(*) filter (where was_complete) as bigint) as restated_numbers,
        cast(count(*) filter (where segment = 'all') as bigint) as changed_totals,
        max(changed_settings) as changed_settings
    from changes
    group by mart, period_start_date
)

select * from build_changes_by_month
