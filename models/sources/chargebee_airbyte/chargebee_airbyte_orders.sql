-- One row per invoice that is an order: with the source's option one_off_invoices those of no subscription, with the
-- var subscription_invoices_are_orders all.

{{ config(enabled = 'chargebee_airbyte' in types_in_use()) }}

with
invoices as (
    select *
    from {{ ref('chargebee_airbyte__invoice') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

credit_notes as (
    select *
    from {{ ref('chargebee_airbyte__credit_note') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
),

refunds as (
    select
        source_name,
        reference_invoice_id,
        sum(amount_refunded) as refunded
    from credit_notes
    where not coalesce(deleted, false)
    group by source_name, reference_invoice_id
),

currency_exponents as (select * from {{ ref('currency_exponents') }}),

orders as (
    select
        invoices.*,
        invoices.subscription_id is null and not coalesce(invoices.recurring, false) as is_one_off,
        {{ major_units('invoices.total', 'currency_exponents.exponent') }} as total_amount,
        {{ major_units('coalesce(invoices.tax, 0)', 'currency_exponents.exponent') }} as tax_amount,
        {{ major_units('coalesce(refunds.refunded, 0)', 'currency_exponents.exponent') }} as refunded
    from invoices
    left join refunds
        on invoices.source_name = refunds.source_name and invoices.id = refunds.reference_invoice_id
    left join currency_exponents on upper(invoices.currency_code) = currency_exponents.currency
    where not coalesce(invoices.deleted, false)
)

select
    source_name,
    id as order_id,
    customer_id,
    date as ordered_at,
    case
        when status <> 'paid' then status
        when refunded > 0 and refunded >= total_amount then 'refunded'
        else 'completed'
    end as status,
    total_amount - tax_amount as amount,
    {{ without_tax('refunded', 'total_amount', 'tax_amount') }} as refunded_amount,
    currency_code as currency
from orders
where {{ var('subscription_invoices_are_orders') }}
    or (is_one_off and source_name in ({{ sources_with('chargebee_airbyte', 'one_off_invoices') }}))
