-- One row per customer of all billing sources. Whom a source refers to without a row of the customer is here from the
-- first fact on; who has neither a date nor a fact is left out.

{{ config(enabled = raw_tables_are('customers') == 'sources', materialized = 'table') }}

with
customer_ids as (select * from {{ ref('source_customer_ids') }})

select
    customer_id,
    created_at,
    country,
    acquisition_channel,
    email,
    source_name
from customer_ids
where customer_id = own_id and created_at is not null
