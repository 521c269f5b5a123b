-- One row per known day, from the earliest paid start or countable order on: the time spine of the semantic layer.

with
first_days as (select * from {{ ref('int_first_days') }} where basis in ('subscription', 'order')),

as_of_date as (select * from {{ ref('int_as_of_date') }}),

first_day as (
    select min(first_date) as first_day
    from first_days
),

days as (
    select date_periods.date_day
    from {{ ref('int_date_periods') }} as date_periods
    inner join first_day on date_periods.date_day >= first_day.first_day
    inner join as_of_date on date_periods.date_day < as_of_date.as_of_date
    group by date_periods.date_day
)

select * from days
