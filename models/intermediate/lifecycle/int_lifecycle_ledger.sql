-- One row per customer and date on which their lifecycle stage changes, the first being the date they are created on.
-- A stage is that of the closing of a day.

with
states as (select * from {{ ref('int_lifecycle_states') }}),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

customers as (select * from {{ ref('int_customers') }}),

turns as (
    select 'an event' as turn
    union all
    select 'lapsed from' as turn
    union all
    select 'new until' as turn
    union all
    select 'reactivated until' as turn
    union all
    select 'declining until' as turn
    union all
    select 'declining from' as turn
),

-- Between two events a stage can change by the lapse of time alone.
moments as (
    select
        states.*,
        case turns.turn
            when 'an event' then states.event_date
            when 'lapsed from' then states.lapsed_from_date
            when 'new until' then states.new_until_date
            when 'reactivated until' then states.reactivated_until_date
            when 'declining until' then states.declining_until_date
            when 'declining from' then states.declining_from_date
        end as stage_date
    from states
    cross join turns
),

stages as (
    select
        moments.customer_key,
        moments.stage_date,
        case
            when moments.first_active_date is null then 'prospect'
            when moments.stage_date >= moments.lapsed_from_date then 'lapsed'
            when moments.stage_date < moments.new_until_date then 'new'
            when moments.stage_date < moments.reactivated_until_date then 'reactivated'
            when moments.stage_date < moments.declining_until_date then 'declining'
            when moments.stage_date >= moments.declining_from_date then 'declining'
            else 'active'
        end as lifecycle_stage
    from moments
    inner join as_of_date
        on
            moments.stage_date >= moments.event_date
            and moments.stage_date < coalesce(moments.next_event_date, as_of_date.as_of_date)
),

-- Moments of one day have one stage, in whichever order they come.
stages_before as (
    select
        *,
        lag(lifecycle_stage) over (partition by customer_key order by stage_date) as stage_before
    from stages
),

ledger as (
    select
        stages_before.customer_key,
        customers.combination_id,
        stages_before.stage_date,
        stages_before.stage_before,
        stages_before.lifecycle_stage as stage_after,
        lag(stages_before.stage_date) over customer_stages as previous_stage_date,
        lead(stages_before.stage_date) over customer_stages as next_stage_date
    from stages_before
    inner join customers using (customer_key)
    where stages_before.stage_before is distinct from stages_before.lifecycle_stage
    window customer_stages as (partition by stages_before.customer_key order by stages_before.stage_date)
)

select * from ledger
