{#-
    Keys of the rows of segment `all` that another segment's rows do not add up to in one of the columns. Amounts to which
    corrections of orders belong do not add up where one is older than the first order of its segment value, which has no
    row for it: with `of_corrections` there is no such row.
-#}
{% test segments_add_up_to_the_total(model, keys, columns, of_corrections=false) %}

with
{%- if of_corrections %}
early_corrections as (
    select corrections.*
    from {{ ref('int_corrections') }} as corrections
    inner join {{ ref('int_segments') }} as segments using (combination_id)
    left join {{ ref('int_first_days') }} as first_days
        on
            segments.segment_id = first_days.segment_id
            and first_days.basis = 'order'
    where coalesce(corrections.correction_date < first_days.first_date, true)
),

{%- endif %}
totals as (select * from {{ model }} where segment = 'all'),

segments as (select distinct segment from {{ model }} where segment <> 'all'),

segment_sums as (
    select
        {{ keys | join(', ') }},
        segment,
        {% for column in columns -%}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ model }}
    group by {{ keys | join(', ') }}, segment
)

select
    {%- for key in keys %}
    totals.{{ key }},
    {%- endfor %}
    segments.segment
from totals
cross join segments
left join segment_sums
    on
        segments.segment = segment_sums.segment
        {%- for key in keys %}
        and totals.{{ key }} = segment_sums.{{ key }}
        {%- endfor %}
where
    {%- if of_corrections %}
    not exists (select 1 from early_corrections) and
    {%- endif %} (
    {%- for column in columns %}
        {{ 'or ' if not loop.first }}coalesce(totals.{{ column }}, 0) <> coalesce(segment_sums.{{ column }}, 0)
    {%- endfor %}
    )

{% endtest %}
