-- 0 <= gross revenue retention <= 1, and gross <= net revenue retention.

select *
from {{ ref('retention_by_period') }}
where
    gross_revenue_retention not between 0 and 1
    or gross_revenue_retention > net_revenue_retention
