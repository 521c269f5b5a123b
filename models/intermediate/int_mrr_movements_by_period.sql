-- One row per grain, period, segment value and movement type that occurred: its customers and the change of MRR.

with

customer_periods as (

    select *
    from {{ ref('int_customer_mrr_periods') }}
    where movement_type is not null

),

segments as (select * from {{ ref('int_segments') }}),

movements_by_combination as (

    select
        period_grain,
        period_start_date,
        movement_type,
        country,
        acquisition_channel,
        count(*) as customers,
        sum(cast(closing_mrr > 0 as integer) - cast(opening_mrr > 0 as integer)) as paying_change,
        sum(closing_mrr - opening_mrr) as mrr_change

    from customer_periods
    group by period_grain, period_start_date, movement_type, country, acquisition_channel

),

movements_by_segment as (

    select
        movements_by_combination.period_grain,
        movements_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        movements_by_combination.movement_type,
        cast(sum(movements_by_combination.customers) as bigint) as customers,
        cast(sum(movements_by_combination.paying_change) as bigint) as paying_change,
        cast(sum(movements_by_combination.mrr_change) as decimal(38, 6)) as mrr_change

    from movements_by_combination
    inner join segments
        on
            movements_by_combination.country = segments.country
            and movements_by_combination.acquisition_channel = segments.acquisition_channel
    group by
        movements_by_combination.period_grain,
        movements_by_combination.period_start_date,
        segments.segment,
        segments.segment_value,
        movements_by_combination.movement_type

)

select * from movements_by_segment
