{#-
    Segments of the list `segments` with more values than the var `max_segment_values`. One that a user has named is
    refused, in words, before anything is built of it; one of the default list is a warning, with the rows it makes, where
    the model has the rows of the marts by period.
-#}
{% test fits_max_segment_values(model, is_default) %}

{{ config(severity = 'warn') }}

{%- set crowded -%}
select
    segment,
    count(distinct segment_value) as segment_values,
    count(*) as segment_rows
from {{ model }}
where segment {{ '' if is_default else 'not' }} in ({{ text_list(default_segments()) }})
group by segment
having count(distinct segment_value) > {{ var('max_segment_values') }}
{%- endset -%}

{%- if execute and flags.WHICH in ['build', 'test'] and not flags.EMPTY -%}
    {%- for segment, segment_values, segment_rows in run_query(crowded + '\norder by segment').rows -%}
        {%- set found = 'the segment ' ~ segment ~ ' has ' ~ '{:,}'.format(segment_values)
            ~ ' values, more than max_segment_values, ' ~ '{:,}'.format(var('max_segment_values')) -%}
        {%- if not is_default -%}
            {{ exceptions.raise_compiler_error(
                found ~ '. Choose a coarser attribute, or set max_segment_values.'
            ) }}
        {%- endif -%}
        {%- do log('warning: ' ~ found ~ '. They make ' ~ '{:,}'.format(segment_rows)
            ~ ' of the rows that marts by period have.', info=true) -%}
    {%- endfor -%}
{%- endif -%}

{{ crowded }}

{% endtest %}
