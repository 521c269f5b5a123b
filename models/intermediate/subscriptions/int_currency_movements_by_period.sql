-- One row per grain, period, segment value and currency, other than the reporting currency, in which the ledger of a
-- customer has a day: the change of the MRR in it, in that currency and as booked. Values of plan segments have
-- transfers, too, as in int_mrr_movements_by_period: what customers take along to another plan after the closing.

with
balances as (select * from {{ ref('int_currency_balances') }}),

sums_by_combination as (
    select
        period_id,
        combination_id,
        currency,
        sum(currency_change) as currency_change,
        sum(mrr_change) as mrr_change
    from balances
    group by period_id, combination_id, currency
),

sides as (
    select -1 as sign
    union all
    select 1 as sign
),

changes_by_plan as (
    select
        period_id,
        plan_key,
        currency,
        currency_change,
        mrr_change,
        0 as transferred_currency_mrr,
        0 as transferred_mrr
    from balances
    union all
    select
        balances.period_id,
        case sides.sign when -1 then balances.opening_plan_key else balances.closing_plan_key end as plan_key,
        balances.currency,
        0 as currency_change,
        0 as mrr_change,
        sides.sign * balances.closing_currency_mrr as transferred_currency_mrr,
        sides.sign * balances.closing_mrr as transferred_mrr
    from balances
    cross join sides
    where balances.opening_plan_key <> balances.closing_plan_key
),

changes_by_value as (
    select
        sums.period_id,
        segments.segment_id,
        sums.currency,
        sums.currency_change,
        sums.mrr_change,
        0 as transferred_currency_mrr,
        0 as transferred_mrr
    from sums_by_combination as sums
    inner join {{ ref('int_segments') }} as segments using (combination_id)
    union all
    select
        changes.period_id,
        plan_segments.segment_id,
        changes.currency,
        changes.currency_change,
        changes.mrr_change,
        changes.transferred_currency_mrr,
        changes.transferred_mrr
    from changes_by_plan as changes
    inner join {{ ref('int_plan_segments') }} as plan_segments using (plan_key)
),

movements as (
    select
        period_id,
        segment_id,
        currency,
        cast(sum(currency_change) as decimal(38, 6)) as currency_change,
        cast(sum(mrr_change) as decimal(38, 6)) as mrr_change,
        cast(sum(transferred_currency_mrr) as decimal(38, 6)) as transferred_currency_mrr,
        cast(sum(transferred_mrr) as decimal(38, 6)) as transferred_mrr
    from changes_by_value
    group by period_id, segment_id, currency
)

select * from movements
