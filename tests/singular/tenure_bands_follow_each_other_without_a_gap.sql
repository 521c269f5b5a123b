-- The first band starts at 0, each other one the day after the one before, and the last has no end.

with
bands as (
    select
        *,
        lag(to_days, 1, -1) over (order by from_days) as previous_to_days,
        lead(from_days) over (order by from_days) as next_from_days
    from {{ ref('tenure_bands') }}
)

select *
from bands
where
    from_days is distinct from previous_to_days + 1
    or (next_from_days is null) <> (to_days is null)
