{#-
    What a period did to one customer, from the MRR at its opening and closing; null where it changed nothing.
    Both zero is for customers who paid within the period all the same: they came and left inside it.
    Example: {{ movement_type('opening_mrr', 'closing_mrr', 'first_paid_date', 'period_start_date') }}
-#}
{% macro movement_type(opening_mrr, closing_mrr, first_paid_date, period_start_date) -%}
    case
        when {{ opening_mrr }} = 0 and {{ closing_mrr }} > 0 and {{ first_paid_date }} >= {{ period_start_date }} then 'new'
        when {{ opening_mrr }} = 0 and {{ closing_mrr }} > 0 then 'reactivation'
        when {{ opening_mrr }} > 0 and {{ closing_mrr }} = 0 then 'churn'
        when {{ opening_mrr }} = 0 and {{ closing_mrr }} = 0 then 'transient'
        when {{ closing_mrr }} > {{ opening_mrr }} then 'expansion'
        when {{ closing_mrr }} < {{ opening_mrr }} then 'contraction'
    end
{%- endmacro %}
