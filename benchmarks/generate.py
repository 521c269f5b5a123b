"""A company of any size as raw tables: python benchmarks/generate.py <folder> <customers> [<years> [<orders>]]

Every number is a hash of its row, so that the same arguments give the same tables. Twelve years instead of six stretch
time and nothing else: as many rows and changes, twice as far apart.
"""

import sys
from pathlib import Path

import duckdb

FIRST_YEAR = 2018
PARAMETERS = """
    create macro n_customers() as {customers};
    create macro n_orders() as {orders};
    create macro first_instant() as timestamp '{first_year}-01-01';
    create macro n_days() as date '{last_year}-01-01' - date '{first_year}-01-01';
    create macro slowness() as {years} / 6;
"""

# chance(i, salt) is uniform over [0, 1). Half of the customers do everything at midnight, so that some of it falls on
# the first instant of a month.
MACROS = """
    create macro chance(i, salt) as (hash(i, salt) % 1000000000) / 1000000000;
    create macro pick(choices, i, salt) as choices[1 + cast(floor(chance(i, salt) * len(choices)) as integer)];
    create macro days(i, number) as
        cast(case when chance(i, 'midnight') < 0.5 then floor(number) else number end * 86400 as bigint);
    create macro created_second(customer) as days(customer, chance(customer, 'created') * 0.75 * n_days());
    create macro instant(second) as first_instant() + to_seconds(second);
"""

TABLES = {
    "customers": """
        select
            'C' || i as customer_id,
            instant(created_second(i)) as created_at,
            pick(['US', 'US', 'US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'BR', null], i, 'country') as country,
            pick(['organic', 'organic', 'paid_search', 'paid_social', 'partner', null], i, 'channel')
                as acquisition_channel
        from range(n_customers()) as customers(i)
    """,
    "plans": """
        select
            product || '-' || tier || '-' || billing as plan_id,
            product || ' ' || tier || ', ' || billing as plan_name,
            product,
            tier,
            cast(tier * tier * 9.9 * discount as decimal(18, 2)) as price,
            'USD' as currency,
            billing_interval,
            billing_interval_count
        from unnest(['tracker', 'planner']) as products(product)
        cross join range(1, 6) as tiers(tier)
        cross join (
            values ('weekly', 'week', 1, 0.3), ('monthly', 'month', 1, 1), ('quarterly', 'month', 3, 2.8),
            ('yearly', 'year', 1, 10)
        ) as intervals(billing, billing_interval, billing_interval_count, discount)
        order by plan_id
    """,
    # After the first stretch comes a swap of plans at once (the same subscription), or a gap and a new subscription;
    # some of these begin before the old one has ended.
    "subscriptions": """
        with
        stretches as (
            select
                i,
                number,
                i * 8 + number as s,
                number = 1 or chance(i * 8 + number, 'swap') < 0.55 as is_new,
                number = stretches as is_last,
                days(i, (15 + 250 * chance(i * 8 + number, 'length')) * slowness()) as length
            from (
                select i, 1 + cast(floor(chance(i, 'stretches') * 6) as integer) as stretches
                from range(n_customers()) as customers(i)
            )
            cross join range(1, 7) as numbers(number)
            where number <= stretches
        ),
        spans as (
            select
                *,
                case
                    when not is_new then 0
                    when number = 1 then days(i, 160 * chance(s, 'gap') * slowness())
                    else days(i, (160 * chance(s, 'gap') - 10) * slowness())
                end as gap
            from stretches
        ),
        timed as (
            select
                *,
                created_second(i) + sum(gap + length) over history - length as start_second,
                sum(cast(is_new as integer)) over history as subscription,
                lead(is_new) over (partition by i order by number) as is_followed_by_new
            from spans
            window history as (partition by i order by number)
        ),
        ended as (
            select
                *,
                instant(start_second) as started_at,
                case when not is_last or chance(s, 'open') < 0.4 then instant(start_second + length) end as ended_at,
                coalesce(is_followed_by_new, true) as is_end
            from timed
        )
        select
            'S' || i || '-' || subscription as subscription_id,
            'C' || i as customer_id,
            pick(['tracker', 'planner'], i, 'product') || '-' || pick([1, 1, 1, 2, 2, 3, 4, 5], s, 'tier') || '-'
            || pick(['weekly', 'monthly', 'monthly', 'monthly', 'quarterly', 'yearly'], i, 'billing') as plan_id,
            case
                when number = 1 and chance(s, 'status') < 0.2 then 'trialing'
                else pick(
                    ['active', 'active', 'active', 'active', 'active', 'active', 'active', 'past_due', 'paused'],
                    s, 'status'
                )
            end as status,
            pick([1, 1, 1, 1, 1, 2, 3, 10], i, 'quantity') as quantity,
            cast(pick([0, 0, 0, 0, 10, 50], s, 'discount') as decimal(5, 2)) as discount_percent,
            started_at,
            ended_at,
            case when is_end and chance(s, 'request') < 0.6 then greatest(started_at, ended_at - interval 9 days) end
                as cancel_requested_at,
            case
                when is_end and ended_at is not null then pick(['price', 'too expensive', 'unused', null], s, 'why')
            end as end_reason
        from ended
        where start_second < n_days() * 86400
        order by i, number
    """,
    # A few customers order a great deal and a few amounts are large. The last order lies on the last day.
    "orders": """
        with
        numbered as (
            select
                i,
                case
                    when chance(i, 'guest') >= 0.04 then cast(floor(n_customers() * chance(i, 'who') ** 2) as bigint)
                end as customer
            from range(n_orders()) as orders(i)
        ),
        timed as (
            select
                *,
                coalesce(created_second(customer), 0) as first_second,
                case i when 0 then 1 else chance(i, 'when') end as share
            from numbered
        )
        select
            'O' || i as order_id,
            'C' || customer as customer_id,
            instant(first_second + cast(floor(share * (n_days() * 86400 - 1 - first_second)) as bigint)) as ordered_at,
            pick(
                ['completed', 'completed', 'completed', 'completed', 'completed', 'pending', 'cancelled'], i, 'status'
            ) as status,
            cast(5 + 10 / (chance(i, 'amount') + 0.001) as decimal(18, 2)) as amount,
            cast(case when chance(i, 'refund') < 0.05 then 1 + 4 * chance(i, 'refunded') else 0 end as decimal(18, 2))
                as refunded_amount,
            'USD' as currency
        from timed
    """,
}


def generate(folder: Path, customers: int, years: int = 6, orders: int | None = None) -> None:
    """Write <table>.parquet of every raw table; a company that is there already stays. Ten orders a customer."""
    if (folder / "orders.parquet").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            PARAMETERS.format(
                customers=customers,
                orders=orders or 10 * customers,
                years=years,
                first_year=FIRST_YEAR,
                last_year=FIRST_YEAR + years,
            )
        )
        connection.execute(MACROS)
        for table, query in TABLES.items():
            unfinished = folder / f"{table}.unfinished"
            connection.execute(f"copy ({query}) to '{unfinished}' (format parquet)")
            unfinished.rename(folder / f"{table}.parquet")


if __name__ == "__main__":
    generate(Path(sys.argv[1]), *map(int, sys.argv[2:]))
