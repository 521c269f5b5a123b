-- One row per published number that this build has otherwise: what readers had before it, what they have after it.
-- On DuckDB the readers' file may be missing: plugins/publication.py compares, and this model reads what it has found.

{{ config(pre_hook={'sql': '{{ compare_with_published(model) }}', 'transaction': false}) }}

-- depends_on: {{ ref('cancellations_by_period') }}
-- depends_on: {{ ref('churn_by_definition_by_period') }}
-- depends_on: {{ ref('churn_reasons_by_period') }}
-- depends_on: {{ ref('clv_by_period') }}
-- depends_on: {{ ref('customer_churn_by_period') }}
-- depends_on: {{ ref('lifecycle_by_period') }}
-- depends_on: {{ ref('lifecycle_transitions_by_period') }}
-- depends_on: {{ ref('mrr_churn_by_period') }}
-- depends_on: {{ ref('plan_transitions_by_period') }}
-- depends_on: {{ ref('repeat_purchase_by_period') }}
-- depends_on: {{ ref('retention_by_cohort') }}
-- depends_on: {{ ref('retention_by_period') }}
-- depends_on: {{ ref('revenue_change_by_period') }}
-- depends_on: {{ ref('trial_conversion_by_period') }}

with
build_changes as (
    select
        mart,
        basis,
        period_grain,
        period_start_date,
        periods_since,
        segment,
        segment_value,
        further_key,
        was_complete,
        column_name,
        previous_value,
        new_value,
        changed_settings
    from {{ found_changes() }}
)

select * from build_changes
