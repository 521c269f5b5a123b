"""Stripe's tables as Fivetran loads them: the raw rows and the MRR of a company whose lives are told."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Build, dbt
from vendors import stripe

Row = dict[str, Any]

SOURCES = {"billing": {"type": "stripe_fivetran", "schema": "stripe", "acquisition_channel": "channel"}}
COLUMNS = {
    "subscriptions": (
        "subscription_id customer_id plan_id status quantity discount_percent started_at ended_at "
        "cancel_requested_at end_reason"
    ).split(),
    "customers": "customer_id created_at country acquisition_channel email".split(),
    "plans": "plan_id plan_name product price currency billing_interval billing_interval_count".split(),
    "orders": "order_id customer_id ordered_at status amount refunded_amount currency".split(),
}


@pytest.fixture(scope="module")
def company() -> stripe.Company:
    """Stripe's tables and what must be read from them."""
    return stripe.company(size=40)


@pytest.fixture(scope="module")
def built(company: stripe.Company, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The raw tables and marts made of them, the unit tests of the mapping before."""
    folder = tmp_path_factory.mktemp("stripe")
    stripe.write(company.tables, str(folder / "warehouse.duckdb"), "stripe")
    selected = ["--indirect-selection", "cautious", "--select", "+mrr_churn_by_period", "+source_reconciliation"]
    left_out = ["--exclude", "path:models/staging,test_type:unit", "path:models/intermediate,test_type:unit"]
    finished = dbt(folder, "build", *selected, *left_out, variables={"billing_sources": SOURCES})
    assert finished.returncode == 0, finished.output[-6000:]
    return finished


def rows(found: list[Row], columns: list[str]) -> dict[str, int]:
    """Rows as text, numbers without zeros at the end, and how often each is there."""
    texts: dict[str, int] = {}
    for row in found:
        cells = [row[column] for column in columns]
        text = str([f"{Decimal(str(cell)).normalize():f}" if is_number(cell) else str(cell) for cell in cells])
        texts[text] = texts.get(text, 0) + 1
    return texts


def is_number(cell: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(cell, int | float | Decimal)


def with_source(row: Row) -> Row:
    """A row with its ids behind the name of the source."""
    return {name: f"billing:{cell}" if name.endswith("_id") and cell else cell for name, cell in row.items()}


@pytest.mark.parametrize("table", COLUMNS)
def test_raw_rows_are_those_of_the_lives_told(table: str, company: stripe.Company, built: Build) -> None:
    expected = rows([with_source(row) for row in getattr(company, table)], COLUMNS[table])
    assert expected and rows(built.query(f"from raw.source_{table}"), COLUMNS[table]) == expected


def test_closing_mrr_is_that_of_each_last_moment_of_a_month(company: stripe.Company, built: Build) -> None:
    found = built.query(
        "select cast(period_end_date + 1 as timestamp) as closing_at, closing_mrr from marts.mrr_churn_by_period"
        " where period_grain = 'month' and segment = 'all' order by closing_at"
    )
    assert [row["closing_at"] for row in found][:1] == [datetime(2023, 2, 1)] and len(found) == 18
    assert found == [{**row, "closing_mrr": company.mrr(row["closing_at"])} for row in found]


def test_what_was_set_aside_is_counted(company: stripe.Company, built: Build) -> None:
    history = company.tables["subscription_history"]
    found = {row["raw_table"]: row for row in built.query("from marts.source_reconciliation")}
    subscriptions, customers = found["subscriptions"], found["customers"]
    assert (subscriptions["rows_read"], subscriptions["rows_kept"]) == (len(history), len(company.subscriptions))
    assert subscriptions["rows_test"] == sum(not row["livemode"] for row in history) > 0
    never_started = sum(row["status"].startswith("incomplete") for row in history)
    assert subscriptions["rows_never_started"] == never_started > 0
    assert subscriptions["vendor_mrr"] is None and subscriptions["mrr"] == company.mrr(stripe.LOADED_AT)
    assert (customers["rows_read"], customers["rows_test"], customers["rows_deleted"]) == (
        len(company.tables["customer"]), 1, 0,
    )  # fmt: skip
    assert found["orders"]["currencies"] == "JPY, USD"


def test_charges_that_name_no_invoice_are_no_orders_without_a_word(company: stripe.Company, tmp_path: Path) -> None:
    charges = [{**row, "invoice_id": None} for row in company.tables["charge"]]
    invoices = [{**row, "charge_id": None, "payment_intent_id": None} for row in company.tables["invoice"]]
    tables = {**company.tables, "charge": charges, "invoice": invoices}
    stripe.write(tables, str(tmp_path / "warehouse.duckdb"), "stripe")
    selected = ["--select", "+stripe_fivetran_orders", "--exclude-resource-type", "unit_test"]
    refused = dbt(tmp_path, "build", *selected, variables={"billing_sources": SOURCES})
    said = " ".join(refused.output.split())
    assert refused.returncode == 1
    assert "billing: no charge names its invoice and no invoice its charge" in said
    accepted = {"billing_sources": SOURCES, "subscription_invoices_are_orders": True}
    assert dbt(tmp_path, "build", *selected, variables=accepted).returncode == 0
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        orders = connection.execute("select count(*) from sources.stripe_fivetran_orders").fetchall()
    assert orders == [(sum(row["livemode"] for row in charges),)]
