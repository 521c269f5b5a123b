-- Opening + new + reactivation + expansion - contraction - churned = closing, on every grain, period and segment value.

select *
from {{ ref('mrr_churn_by_period') }}
where opening_mrr + new_mrr + reactivation_mrr + expansion_mrr - contraction_mrr - churned_mrr <> closing_mrr
