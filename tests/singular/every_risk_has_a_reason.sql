-- Who is at risk has a reason, who has a reason is at risk, and nobody is who is a prospect, or
-- has lapsed without a pause.

select *
from {{ ref('customers') }}
where
    is_at_risk <> (risk_reasons is not null)
    or is_at_risk and lifecycle_stage = 'prospect'
    or is_at_risk and lifecycle_stage = 'lapsed' and risk_reasons not like '%paused%'
