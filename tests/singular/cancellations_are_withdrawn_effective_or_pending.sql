-- On every grain, the cancellations requested to date are those withdrawn, those effective and those still pending.

with
grains as (select * from {{ ref('period_grains') }}),

pending_requests as (
    select count(*) as requests
    from {{ ref('int_cancel_requests') }}
    where outcome = 'pending'
),

period_sums as (
    select
        period_grain,
        sum(cancellations_requested) as requested,
        sum(cancellations_withdrawn) as withdrawn,
        sum(cancellations_effective) as effective
    from {{ ref('cancellations_by_period') }}
    where segment = 'all'
    group by period_grain
)

select
    grains.period_grain,
    period_sums.requested,
    period_sums.withdrawn,
    period_sums.effective,
    pending_requests.requests as pending
from grains
cross join pending_requests
left join period_sums using (period_grain)
where
    coalesce(period_sums.requested, 0)
    <> coalesce(period_sums.withdrawn, 0) + coalesce(period_sums.effective, 0) + pending_requests.requests
