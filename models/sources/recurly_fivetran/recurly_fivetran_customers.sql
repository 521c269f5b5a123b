-- One row per account, as its latest version has it, closed ones too: their past is real.

{{ config(enabled = 'recurly_fivetran' in types_in_use()) }}

with
accounts as (
    select
        *,
        (min(created_at) over (partition by source_name, id)) as first_created_at
    from {{ ref('recurly_fivetran__account_history') }}
    qualify row_number() over (partition by source_name, id order by updated_at desc, loaded_at desc) = 1
)

select
    source_name,
    id as customer_id,
    first_created_at as created_at,
    upper(account_country) as country,
    cast(null as varchar) as acquisition_channel,
    email
from accounts
