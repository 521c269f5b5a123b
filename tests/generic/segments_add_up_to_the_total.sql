{#- Keys of the rows of segment `all` that another segment's rows do not add up to in one of the columns. -#}
{% test segments_add_up_to_the_total(model, keys, columns) %}

with
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
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}coalesce(totals.{{ column }}, 0) <> coalesce(segment_sums.{{ column }}, 0)
    {%- endfor %}

{% endtest %}
