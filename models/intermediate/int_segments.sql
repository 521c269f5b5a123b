-- One row per segment and combination of customer attributes: the segment value these customers belong to.
-- Roll-ups add up by combination first and join this once.

with
customers as (select * from {{ ref('stg_customers') }}),

-- Orders of guests have no customer, and so no attributes.
combinations as (
    select
        coalesce(country, 'unknown') as country,
        coalesce(acquisition_channel, 'unknown') as acquisition_channel
    from customers
    union distinct
    select
        'unknown' as country,
        'unknown' as acquisition_channel
),

segments as (
    select
        'all' as segment,
        'all' as segment_value,
        country,
        acquisition_channel
    from combinations
    union all
    select
        'country' as segment,
        country as segment_value,
        country,
        acquisition_channel
    from combinations
    union all
    select
        'acquisition_channel' as segment,
        acquisition_channel as segment_value,
        country,
        acquisition_channel
    from combinations
),

requested_segments as (select * from segments where segment = 'all' or segment in ({{ text_list(var('segments')) }}))

select * from requested_segments
