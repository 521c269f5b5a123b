"""Billing sources: vendors' tables and files become raw tables, and what cannot be read is said in a sentence."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import ROOT, Build, build, dbt

Row = dict[str, Any]
SHOP_HEADER = (
    "Name,Email,Financial Status,Currency,Taxes,Total,Created at,Cancelled at,Payment Method,Refunded Amount,Id,"
    "Shipping Country"
)
ORDER = "#{id},{email},{status},{currency},{taxes},{total},{created},{cancelled},{method},{refunded},{id},US"


def order(**given: Any) -> str:
    """A line of Shopify's export of orders."""
    usual = {
        "email": "ann@example.com", "status": "paid", "currency": "USD", "taxes": "20", "total": "120", "cancelled": "",
        "created": "2024-05-01 09:58:12 -0400", "method": "Shopify Payments", "refunded": "0", "id": "1",
    }  # fmt: skip
    return ORDER.format(**{**usual, **given})


def write_shop(folder: Path, *lines: str) -> str:
    """The export of orders of a shop; the location of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders_export.csv").write_text("\n".join([SHOP_HEADER, *lines]) + "\n")
    return str(folder / "{file}.csv")


def load(folder: Path, **tables: str) -> None:
    """Tables in the warehouse of a folder: schema__table=its query."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        for name, query in tables.items():
            schema, table = name.split("__")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f'create or replace table {schema}."{table}" as {query}')


def read(folder: Path, sources: Row, *selection: str, judge: str = "", **variables: Any) -> Build:
    """Build the raw tables of sources, and what is selected beside them; the guard judges as RETENTION_GUARD says."""
    selected = ["--indirect-selection", "cautious", "--select", "+path:models/raw", *selection]
    given = {"billing_sources": sources, **variables}
    only = ["--exclude-resource-type", "unit_test"]
    return dbt(folder, "build", *only, *selected, variables=given, RETENTION_GUARD=judge)


def test_a_shop_and_a_log_of_events_together(tmp_path: Path) -> None:
    location = write_shop(
        tmp_path / "shop",
        order(email="Ann@Example.com "),
        "#1,Ann@Example.com ,,,,,2024-05-01 09:58:12 -0400,,,,,",
        order(id="2", email="", created="2024-05-31 23:30:00 -0400", status="partially_refunded", refunded="60"),
        order(id="3", method="(for testing) Bogus Gateway"),
        order(id="4", cancelled="2024-05-04 00:00:00 -0400", created="2024-05-03T10:00:00+0200"),
    )
    load(
        tmp_path,
        log__plan_events="""
            select * from (values
                ('ann', '2024-04-05', 'basic', 1), ('ann', '2024-05-01', 'basic', 3), ('ann', '2024-06-01', null, null),
                ('bob', '2024-05-10 12:00:00', 'basic', 1)
            ) as events (customer_id, occurred_at, plan_id, quantity)
        """,
        log__plans="select 'basic' as plan_id, 10 as price",
        log__customers="""
            select 'ann' as customer_id, ' ann@example.com' as email, date '2024-04-01' as created_at
            union all
            select 'neither a date nor a fact', '', null
        """,
    )
    sources = {
        "shop": {"type": "shopify_csv", "location": location}, "log": {"type": "plan_events", "schema": "log"}
    }  # fmt: skip
    built = build(tmp_path, {"billing_sources": sources, "customer_identity": "email"})

    orders = built.query("select * from raw.source_orders order by order_id")
    columns = ("order_id", "customer_id", "status", "amount", "refunded_amount")
    assert [tuple(row[name] for name in columns) for row in orders] == [
        ("shop:1", "log:ann", "completed", 100, 0), ("shop:2", None, "completed", 100, 50),
        ("shop:4", "log:ann", "cancelled", 100, 0),
    ]  # fmt: skip
    assert [f"{row['ordered_at']}" for row in orders] == [
        "2024-05-01 13:58:12", "2024-06-01 03:30:00", "2024-05-03 08:00:00"
    ]  # fmt: skip
    customers = built.query(
        "select customer_id, created_at::date::varchar as since from raw.source_customers order by 1"
    )
    assert [tuple(row.values()) for row in customers] == [("log:ann", "2024-04-01"), ("log:bob", "2024-05-10")]
    mrr = built.query(
        """
        select closing_mrr, period_start_date::varchar as month from marts.mrr_churn_by_period
        where period_grain = 'month' and segment = 'all' order by 2
        """
    )
    assert [(row["month"], row["closing_mrr"]) for row in mrr] == [
        ("2024-04-01", 10), ("2024-05-01", 40), ("2024-06-01", 10)
    ]  # fmt: skip
    facts = "plan_events cannot tell: requests to cancel, failed payments. In words: "
    assert facts + "reference.source_capabilities\n" in built.output
    assert "shop (shopify_csv) lacks, read as empty: customers_export\n" in built.output

    (reconciled,) = built.query("from marts.source_reconciliation where source_name = 'shop' and raw_table = 'orders'")
    assert (reconciled["rows_read"], reconciled["rows_kept"], reconciled["rows_test"]) == (4, 3, 1)
    (known,) = built.query("select as_of_date::varchar as day from intermediate.int_as_of_date")
    assert known["day"] == "2024-06-02"


def test_sources_that_are_not_named_cost_no_node(demo: Build) -> None:
    (found,) = demo.query(
        """
        select count(*) as tables from information_schema.tables
        where table_schema = 'sources' or table_name like '%source%'
        """
    )
    assert found["tables"] == 0


def test_the_situations_of_the_types_without_a_test_of_their_own(tmp_path: Path) -> None:
    """The unit tests beside their models, which only a build with the types runs."""
    load(
        tmp_path,
        shop__order="select 1 as id where false",
        log__plan_events="select 1 as customer_id, 1 as occurred_at, 1 as plan_id where false",
        log__plans="select 1 as plan_id, 1 as price where false",
        sheet__month_snapshots="select 1 as customer_id, 1 as month, 1 as mrr where false",
    )
    sources = {
        "a": {"type": "shopify_csv", "location": write_shop(tmp_path / "shop", order())},
        "b": {"type": "shopify_fivetran", "schema": "shop"},
        "c": {"type": "plan_events", "schema": "log"},
        "d": {"type": "month_snapshots", "schema": "sheet"},
    }
    finished = dbt(tmp_path, "build", "--select", "path:models/sources", variables={"billing_sources": sources})
    assert finished.returncode == 0, finished.output[-6000:]
    assert "15 unit tests" in finished.output


def test_whatever_types_a_loader_delivers(tmp_path: Path) -> None:
    load(
        tmp_path,
        shop__order="""
            select
                450789469.0::double as id, 7::bigint as customer_id,
                timestamptz '2024-05-01 09:00:00-04' as processed_at,
                'PAID' as display_financial_status, 119.1::double as total_price_set_shop_amount,
                '19.1' as total_tax_set_shop_amount, 'usd' as currency_code, 'false' as test,
                1719828000 as _fivetran_synced
            union all
            select 450789470, 7, '2024-05-01 09:00:00', 'PAID', 10, '', 'usd', null, 1719828000
            union all
            select 450789471, 7, '2024-05-02 09:00:00', 'PAID', 10, '0', 'usd', 'true', 1719828000
        """,
    )
    built = read(tmp_path, {"s": {"type": "shopify_fivetran", "schema": "shop"}}, "+source_loads")
    assert built.returncode == 0, built.output[-3000:]
    rows = built.query("select order_id, ordered_at::varchar as at, amount, currency from raw.source_orders order by 1")
    assert [tuple(row.values()) for row in rows] == [
        ("s:450789469", "2024-05-01 13:00:00", Decimal("100"), "USD"),
        ("s:450789470", "2024-05-01 09:00:00", Decimal("10"), "USD"),
    ]
    (loaded,) = built.query("select known_until::varchar as day from raw.source_loads")
    assert loaded["day"] == "2024-07-01"


def test_sources_that_cannot_be_read_are_a_sentence_each(tmp_path: Path) -> None:
    load(tmp_path, shop__order="select 1 as id")
    sources = {
        "a": {"type": "stripe"},
        "b": {"schema": "shop"},
        "c": {"type": "shopify_fivetran", "schema": "nowhere"},
        "d": {"type": "plan_events", "schema": "shop"},
        "e": {"type": "shopify_fivetran"},
        "f": {"type": "shopify_csv", "location": "nowhere/{file}.csv"},
        "g": {"type": "shopify_csv", "location": "nowhere/orders.csv"},
        "h": {"type": "shopify_fivetran", "schema": "shop", "schemas": "shop"},
        "i:i": {"type": "shopify_fivetran", "schema": "shop"},
    }
    refused = read(tmp_path, sources, customer_identity="phone")
    assert refused.returncode != 0
    said = refused.output.split("Sources that cannot be read:\n")[1].splitlines()
    types = said[1].split("there are ")[1]
    assert [line.strip() for line in said[:11]] == [
        "customer_identity is id or email, not 'phone'",
        f"billing_sources: a: there is no type 'stripe'; there are {types}",
        f"billing_sources: b needs a type: {types}",
        "billing_sources: c: there is no schema nowhere with tables in warehouse; there are shop",
        "billing_sources: d: plan_events needs plan_events, and schema shop has order",
        "billing_sources: d: plan_events needs plans, and schema shop has order",
        "billing_sources: e needs a schema, where its tables are, or a location, where its files are",
        "billing_sources: f: there is no file nowhere/orders_export.csv",
        "billing_sources: g: location must be a path with {file} in it that ends in .csv or .parquet, such as"
        " 'exports/shop/{file}.csv'; it is 'nowhere/orders.csv'",
        "billing_sources: h: shopify_fivetran knows no schemas; it takes type, schema, database, location",
        "billing_sources: a source is named by letters and digits, not 'i:i'",
    ]


def test_a_column_without_which_nothing_can_be_read_is_a_sentence(tmp_path: Path) -> None:
    load(
        tmp_path,
        log__plan_events="select 1 as customer, now() as occurred_at, 'basic' as plan_id",
        log__plans="select 'basic' as plan_id, 10 as price",
    )
    refused = read(tmp_path, {"log": {"type": "plan_events", "schema": "log"}})
    assert refused.returncode != 0
    assert (
        "billing_sources: log: plan_events needs customer_id in plan_events, which has customer, occurred_at, plan_id"
        in refused.output
    )


def test_names_of_schemas_and_tables_in_any_case_and_an_event_of_nobody(tmp_path: Path) -> None:
    load(
        tmp_path,
        Log__PLAN_EVENTS="""
            select 'ann' as customer_id, now() as occurred_at, 'basic' as plan_id
            union all
            select null, now(), 'basic'
        """,
        Log__Plans="select 'basic' as plan_id, 10 as price",
    )
    refused = read(tmp_path, {"log": {"type": "plan_events", "schema": "log"}})
    assert refused.returncode != 0
    assert "subscriptions.customer_id is never empty: not so in 1 of 2 rows" in refused.output
    assert re.search(r"subscription_id is never empty: not so in 1 of 2 rows; .*; in log 1", refused.output)


@pytest.mark.parametrize("judge", ["", "sql"])
def test_a_finding_names_its_source(tmp_path: Path, judge: str) -> None:
    sources = {
        name: {"type": "shopify_csv", "location": write_shop(tmp_path / name, order(currency=currency))}
        for name, currency in (("north", "USD"), ("south", "EUR"))
    }
    refused = read(tmp_path, sources, judge=judge)
    assert refused.returncode != 0
    assert "not so in 1 of 2 rows, such as 'EUR' 1; at order_id 'south:1'; in south 1" in refused.output


def test_three_vendors_of_one_company_in_two_currencies(tmp_path: Path) -> None:
    """Customers are joined by their addresses; of what raw_location points to beside sources, only rates are read."""
    load(
        tmp_path,
        chargebee__customer="""
            select 'c1' as id, 'c1@example.com' as email, 1704153600 as created_at,
            timestamptz '2024-04-01 00:00+00' as _airbyte_extracted_at
        """,
        chargebee__item_price="""
            select 'basic' as id, 'plan' as item_type, 1000 as price, 'USD' as currency_code, 'month' as period_unit,
            1 as period
        """,
        chargebee__subscription="""
            select 's1' as id, 'c1' as customer_id, 'active' as status, 1704189600 as started_at,
            'USD' as currency_code,
            [{'item_price_id': 'basic', 'item_type': 'plan', 'quantity': 1}] as subscription_items
        """,
        recurly__account_history="""
            select * from (values
                ('c2', timestamp '2024-01-15', ' C2@example.com', timestamp '2024-04-01 09:00:00'),
                ('c3', timestamp '2024-02-05', null, timestamp '2024-04-01 09:00:00')
            ) as accounts (id, created_at, email, _fivetran_synced)
        """,
        recurly__plan_history="""
            select 'p1' as id, 'basic' as code, 'Basic' as name, 'months' as interval_unit, 1 as interval_length
        """,
        recurly__plan_currency_history="select 'p1' as plan_id, 'EUR' as currency, 10.0::double as unit_amount",
        recurly__subscription_history="""
            select *, 'p1' as plan_id, 'EUR' as currency, 10.0::double as unit_amount, from (values
                ('s2', 'c2', 'active', timestamp '2024-01-15 10:00:00', timestamp '2024-01-15 10:00:09', 1, null),
                ('s2', 'c2', 'active', '2024-01-15 10:00:00', '2024-02-10 10:00:00', 2, null),
                ('s2', 'c2', 'expired', '2024-01-15 10:00:00', '2024-03-20 10:30:00', 2, '2024-03-20 10:00:00'),
                ('s3', 'c3', 'active', '2024-02-05 10:00:00', '2024-02-05 10:00:00', 1, null)
            ) as versions (id, account_id, state, activated_at, updated_at, quantity, expires_at)
        """,
        shop__customer="""
            select * from (values
                (1, 'C1@example.com', timestamp '2023-12-31'), (2, 'c2@example.com', timestamp '2024-02-10')
            ) as customers (id, email, created_at)
        """,
        shop__order="""
            select *, timestamp '2024-04-05' as _fivetran_synced from (values
                (1, 2, timestamp '2024-02-10 12:00:00', 'paid', 60.0::double, 10.0::double, 'EUR'),
                (2, 1, '2024-03-02 12:00:00', 'paid', 50, 0, 'USD'),
                (3, 1, '2024-03-03 12:00:00', 'pending', 5000, 0, 'JPY')
            ) as orders (id, customer_id, processed_at, financial_status, total_price, total_tax, currency)
        """,
        shop__transaction="""
            select 1 as order_id, 'refund' as kind, 'success' as status, false as test, 12.0::double as amount
        """,
    )
    rates = "currency,date,rate\nEUR,2024-01-01,1.10\nEUR,2024-02-01,1.20\nEUR,2024-03-01,1.00\n"
    (tmp_path / "exchange_rates.csv").write_text(rates)
    (tmp_path / "customers.csv").write_text("nothing of it is read\n")
    sources = {
        "cb": {"type": "chargebee_airbyte", "schema": "chargebee"},
        "rc": {"type": "recurly_fivetran", "schema": "recurly"},
        "shop": {"type": "shopify_fivetran", "schema": "shop"},
    }
    variables: Row = {"customer_identity": "email", "raw_location": str(tmp_path / "{table}.csv"), "segments": []}
    marts = ("+mrr_churn_by_period", "+repeat_purchase_by_period", "+customers")
    built = read(tmp_path, sources, *marts, **variables)
    assert built.returncode == 0, built.output[-6000:]

    months = built.query(
        """
        select month(period_start_date) as month, closing_mrr, closing_mrr_at_closing_rates, fx_effect
        from marts.mrr_churn_by_period where period_grain = 'month' and segment = 'all' order by 1
        """
    )
    assert [tuple(row.values()) for row in months] == [(1, 21, 21, 0), (2, 44, 46, 2), (3, 22, 20, -4)]
    orders = built.query(
        """
        select month(period_start_date) as month, revenue from marts.repeat_purchase_by_period
        where period_grain = 'month' and segment = 'all' order by 1
        """
    )
    assert [tuple(row.values()) for row in orders] == [(2, 48), (3, 50)]
    customers = built.query("select customer_id, current_mrr, revenue from marts.customers order by 1")
    assert [tuple(row.values()) for row in customers] == [("rc:c2", 0, 48), ("rc:c3", 12, 0), ("shop:1", 10, 50)]


def test_each_raw_table_is_guarded_once_where_a_schema_beside_the_sources_has_the_rates(tmp_path: Path) -> None:
    sources = {
        name: {"type": "shopify_csv", "location": write_shop(tmp_path / name, order(currency=currency))}
        for name, currency in (("north", "USD"), ("south", "EUR"))
    }
    load(tmp_path, rates__exchange_rates="select 'EUR' as currency, date '2024-05-01' as date, 1.1 as rate")
    built = read(tmp_path, sources, "data_quality", "source:raw", raw_schema="rates")
    assert built.returncode == 0, built.output[-3000:]
    found = built.query(
        """
        select raw_table, count(*) as judged from marts.data_quality
        where expectation = 'expect_table_columns_to_match_set' and raw_table in ('orders', 'exchange_rates')
        group by raw_table order by raw_table
        """
    )
    assert [tuple(row.values()) for row in found] == [("exchange_rates", 1), ("orders", 1)]


def test_a_source_that_was_loaded_a_week_before_another_holds_back_as_of_date(tmp_path: Path) -> None:
    for name, day in (("north", "2024-06-20"), ("south", "2024-06-13")):
        query = "select 1 as id, 'paid' as financial_status, 10 as total_price, 'USD' as currency"
        load(
            tmp_path,
            **{f"{name}__order": f"{query}, date '{day}' as processed_at, timestamp '{day}' as _fivetran_synced"},
        )
    sources = {name: {"type": "shopify_fivetran", "schema": name} for name in ("north", "south")}
    built = read(tmp_path, sources, "+int_as_of_date", "data_quality")
    warning = (
        "south is known until 2024-06-13 and north until 2024-06-20: as_of_date is the earlier day. Load it again, or"
        " set as_of_date"
    )
    assert built.returncode == 0 and f"warning: {warning}" in built.output
    (known,) = built.query("select as_of_date::varchar as day from intermediate.int_as_of_date")
    assert known["day"] == "2024-06-13"
    (recorded,) = built.query("select description from marts.data_quality where raw_table = 'sources'")
    assert recorded["description"] == warning
    assert warning not in read(tmp_path, sources, "+source_loads", as_of_date="2024-06-20").output


def mapping(title: str) -> tuple[str, Row]:
    """The SQL of a section of the page of mappings, and the vars of its command."""
    section = (ROOT / "models/sources/_mappings.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    (given,) = re.findall(r"--vars '(.*)'", section)
    return "\n".join(re.findall(r"```sql\n(.*?)```", section, re.DOTALL)), yaml.safe_load(given)


def closing_mrr(built: Build) -> dict[str, Decimal]:
    """Closing MRR by month."""
    rows = built.query(
        """
        select period_start_date::varchar as month, closing_mrr from marts.mrr_churn_by_period
        where period_grain = 'month' and segment = 'all'
        """
    )
    return {row["month"][:7]: row["closing_mrr"] for row in rows}


def test_the_mapping_of_an_export_of_subscriptions(tmp_path: Path) -> None:
    views, variables = mapping("An export of subscriptions")
    load(
        tmp_path,
        billing__subscriptions="""
            select * from (values
                ('s1', 'c1', 'basic', 20.0, 'usd', 'month', 'active', '2024-01-05', '2024-01-05', '2024-01-19', '', '',
                 ''),
                ('s2', 'c2', 'basic', 20, 'usd', 'month', 'canceled', '2024-01-05', '', '', '2024-03-01', '2024-03-05',
                 'too_expensive'),
                ('s3', 'c3', 'pro', 200, 'usd', 'year', 'trialing', '2024-04-05', '2024-04-05', '2024-05-05', '', '',
                 '')
            ) as export (
                id, customer_id, plan, amount, currency, billing_interval, status, start_date, trial_start, trial_end,
                canceled_at, ended_at, cancellation_reason
            )
        """,
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for column in ("start_date", "trial_start", "trial_end", "canceled_at", "ended_at"):
            connection.execute(
                f"alter table billing.subscriptions alter {column} type timestamp using try_cast({column} as timestamp)"
            )
        connection.execute(views)
    built = build(tmp_path, {**variables, "segments": []})
    assert closing_mrr(built) == {"2024-01": 40, "2024-02": 40, "2024-03": 20, "2024-04": 20}


def test_the_mappings_of_order_lines_and_of_a_spreadsheet_of_months(tmp_path: Path) -> None:
    views, variables = mapping("Order lines")
    load(
        tmp_path,
        shop__order_lines="""
            select * from (values
                (1, 'Ann@x.org ', timestamp '2024-05-01 10:00:00', false, 60.0, 10.0, 0.0, 0.0, 'USD'),
                (1, 'Ann@x.org ', timestamp '2024-05-01 10:00:00', false, 60, 10, 60, 10, 'USD')
            ) as lines (
                order_number, email, ordered_at, is_cancelled, line_total, line_tax, refunded_total, refunded_tax,
                currency
            )
        """,
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(views)
    built = read(tmp_path, {}, "stg_orders", **variables)
    (found,) = built.query("select customer_id, amount, refunded_amount from staging.stg_orders")
    assert tuple(found.values()) == ("ann@x.org", 100, 50)

    (tmp_path / "month_snapshots.csv").write_text(
        "customer_id;month;mrr\nann;2024-01;10\nann;2024-02;12.50\nbob;2024-01;7\n"
    )
    _, variables = mapping("A spreadsheet of months")
    location = str(tmp_path / "{file}.csv")
    variables = json.loads(json.dumps(variables).replace("exports/{file}.csv", location))
    built = build(tmp_path, {**variables, "segments": []})
    assert closing_mrr(built) == {"2024-01": 17, "2024-02": Decimal("12.50")}


def test_the_demo_of_two_sources_and_currencies(tmp_path: Path) -> None:
    """As `make demo-sources` builds it; the README shows its reconciliation."""
    (settings,) = re.findall(r"^SOURCES := (.*?\})$", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    variables = yaml.safe_load(settings.replace("\\\n", "").replace("\t", "").replace("demo_sources", str(tmp_path)))
    subprocess.run([sys.executable, ROOT / "seeds/demo/sources.py", tmp_path], check=True)
    built = build(tmp_path, variables)
    printed = [
        [cell.strip().replace(",", "") for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text().splitlines()
        if re.match(r"\| (billing|shop) +\| ", line)
    ]
    rows = built.query(
        """
        select source_name, raw_table, rows_read, rows_kept, coalesce(currencies, '') as currencies, mrr
        from marts.source_reconciliation order by source_name, raw_table
        """
    )
    found = [[*map(str, list(row.values())[:5]), "" if row["mrr"] is None else f"{row['mrr']:.0f}"] for row in rows]
    assert found == printed
    # The customers of the shop are those of the billing, by their addresses; euros are dollars by the day's rate.
    (customers,) = built.query("select count(*) as all, count(*) filter (orders > 0) as buyers from marts.customers")
    assert customers["all"] == 400 and customers["buyers"] > 50
    (rate,) = built.query(
        """
        select sum(int_order_sequence.revenue) / sum(orders.amount - orders.refunded_amount) as mean
        from intermediate.int_order_sequence
        inner join raw.source_orders as orders using (order_id)
        """
    )
    assert 1.05 < rate["mean"] < 1.11
