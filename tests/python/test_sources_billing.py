"""Chargebee's and Recurly's tables become the raw rows that the stories behind them say."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from conftest import Build, dbt
from vendors.billing import FIRST_DAY, NOW, Company, chargebee, recurly

SOURCES = {
    "cb": {"type": "chargebee_airbyte", "schema": "chargebee"},
    "rc": {"type": "recurly_fivetran", "schema": "recurly"},
}
SELECTION = ["--select", "+mrr_churn_by_period", "+source_reconciliation", "--indirect-selection", "cautious"]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Build, dict[str, Company]]]:
    """Both companies in one warehouse, built as two sources."""
    folder = tmp_path_factory.mktemp("billing")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        told = {"cb": chargebee(connection, "chargebee"), "rc": recurly(connection, "recurly")}
    finished = dbt(
        folder,
        "build",
        *SELECTION,
        *("--exclude-resource-type", "unit_test"),
        variables={"billing_sources": SOURCES, "as_of_date": str(NOW.date())},
    )
    assert finished.returncode == 0, finished.output[-6000:]
    yield finished, told


@pytest.mark.parametrize("source", SOURCES)
def test_subscriptions_are_the_stories(companies: tuple[Build, dict[str, Company]], source: str) -> None:
    finished, told = companies
    found = finished.query(f"""
        select * exclude (amount, source_name) replace (
            substr(subscription_id, 4) as subscription_id,
            substr(customer_id, 4) as customer_id,
            substr(plan_id, 4) as plan_id
        )
        from raw.source_subscriptions
        where source_name = '{source}'
        order by subscription_id, started_at
    """)
    expected = told[source].raw_subscriptions()
    assert without_discounts(found) == without_discounts(expected)
    # Amounts off are rounded before percentages are taken of the rest.
    for row, wanted in zip(found, expected):
        assert abs(row["discount_percent"] - wanted["discount_percent"]) <= Decimal("0.0000000002")
    assert {row["status"] for row in found} >= {"trialing", "active", "paused"}


def without_discounts(rows: Rows) -> list[tuple[Any, ...]]:
    """What is compared to the letter."""
    return [tuple(row[name] for name in sorted(row) if name != "discount_percent") for row in rows]


def test_closing_mrr_by_month_is_that_of_the_stories(companies: tuple[Build, dict[str, Company]]) -> None:
    finished, told = companies
    months = finished.query("""
        select period_end_date + interval 1 day as next_period, closing_mrr
        from marts.mrr_churn_by_period
        where period_grain = 'month' and segment = 'all'
        order by next_period
    """)
    assert len(months) > 15 and months[-1]["closing_mrr"] > 1000
    for month in months:
        wanted = sum((company.mrr(month["next_period"]) for company in told.values()), Decimal(0))
        assert month["closing_mrr"] == wanted, month


@pytest.mark.parametrize("source", SOURCES)
def test_plans_are_the_listed_prices_and_those_that_were_paid(
    companies: tuple[Build, dict[str, Company]], source: str
) -> None:
    finished, told = companies
    found = finished.query(f"""
        select substr(plan_id, 4) as plan_id, price, currency, billing_interval, billing_interval_count
        from raw.source_plans
        where source_name = '{source}'
        order by plan_id
    """)
    assert found == sorted(told[source].raw_plans(), key=lambda row: row["plan_id"])


def test_customers_are_those_listed_and_those_referred_to(companies: tuple[Build, dict[str, Company]]) -> None:
    finished, told = companies
    found = finished.query("select * from raw.source_customers")
    customers = {row["customer_id"]: row for row in found}
    assert len(customers) == len(found)
    assert customers.keys() == {f"cb:c{number}" for number in range(50)} | {f"rc:a{number}" for number in range(60)}
    assert customers["cb:c1"]["country"] == "DE" and customers["cb:c2"]["country"] is None
    assert customers["rc:a1"]["country"] == "FR" and customers["rc:a1"]["email"] == "a1@example.com"
    assert customers["cb:c1"]["created_at"] == FIRST_DAY
    first = min(since for story in told["cb"].stories if story.customer == "c49" for since, _ in story.states)
    assert customers["cb:c49"]["created_at"] == first


def test_mrr_now_is_the_vendors_own(companies: tuple[Build, dict[str, Company]]) -> None:
    finished, told = companies
    found = finished.query("select * from marts.source_reconciliation where raw_table = 'subscriptions'")
    assert len(found) == 2
    for row in found:
        assert row["mrr"] == told[row["source_name"]].mrr(NOW)
        assert row["mrr"] > 1000 and abs(row["mrr"] - row["vendor_mrr"]) < 1
        assert row["loaded_at"] == NOW and row["rows_never_started"] == (1 if row["source_name"] == "cb" else 2)
    assert sum(row["rows_deleted"] for row in found) == 1
    assert "by the vendor's own figure" not in finished.output
