{#- Rows whose value is null or below the minimum. -#}
{% test is_at_least(model, column_name, minimum) %}

select *
from {{ model }}
where {{ column_name }} is null or {{ column_name }} < {{ minimum }}

{% endtest %}
