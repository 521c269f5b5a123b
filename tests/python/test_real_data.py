"""Real data sets with known results: every column of every expected table, and two published tables."""

import csv
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Build, build, lean_project, skip

Builds = Callable[..., Build]

AS_OF_DATES = {"mrr_playbook": "2020-03-01", "mavenflix": "2023-09-09", "cdnow": "1998-07-01", "fx": "2024-04-01"}
KEYS = {"retention_by_cohort": ("basis", "period_grain", "cohort_start_date", "periods_since")}
MOVEMENT_KEY = ("customer_id", "movement_date")
PERIOD_KEY = ("period_grain", "period_start_date")
# Grains that the expected files leave out.
LEFT_OUT = defaultdict(lambda: "('day')", retention_by_cohort="('week')")
EXPECTED = [
    ("mrr_playbook", "customer_churn_by_period"),
    ("mrr_playbook", "mrr_churn_by_period"),
    ("mrr_playbook", "retention_by_period"),
    ("mrr_playbook", "clv_by_period"),
    ("mrr_playbook", "retention_by_cohort"),
    ("mrr_playbook", "mrr_movements"),
    ("mavenflix", "customer_churn_by_period"),
    ("mavenflix", "mrr_churn_by_period"),
    ("mavenflix", "retention_by_period"),
    ("mavenflix", "clv_by_period"),
    ("mavenflix", "retention_by_cohort"),
    ("mavenflix", "mrr_movements"),
    ("cdnow", "repeat_purchase_by_period"),
    ("cdnow", "retention_by_cohort"),
]
CHURN_MARTS = ["churn_events", "churn_by_definition_by_period"]


@pytest.fixture(scope="module")
def builds(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """A function that builds a data set once and returns it; with other vars, what churn events need alone."""
    finished: dict[tuple[Any, ...], Build] = {}
    lean: list[Path] = []

    def of(name: str, **more: Any) -> Build:
        key = (name, *more.items())
        if key not in finished:
            variables = {
                "raw_location": str(shared_data / name / "raw" / "{table}.csv"),
                "as_of_date": AS_OF_DATES[name],
                **more,
            }
            if more and not lean:
                lean.append(lean_project(tmp_path_factory.mktemp("lean"), CHURN_MARTS))
            finished[key] = build(tmp_path_factory.mktemp(name), variables, cwd=lean[0] if more else ROOT)
        return finished[key]

    return of


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def differs(expected: str, actual: Any) -> bool:
    """Whether a cell of the expected file and a value of the mart are not the same number or text."""
    if expected == "" or actual is None or isinstance(actual, bool) or not isinstance(actual, (int, float, Decimal)):
        return expected != text(actual)
    tolerance = 1e-6 if isinstance(actual, float) else 0.005
    return abs(float(expected) - float(actual)) > tolerance


@pytest.mark.parametrize(("name", "mart"), EXPECTED)
def test_every_expected_column(builds: Builds, shared_data: Path, name: str, mart: str) -> None:
    key = MOVEMENT_KEY if mart == "mrr_movements" else KEYS.get(mart, PERIOD_KEY)
    condition = "" if mart == "mrr_movements" else f"where segment = 'all' and period_grain not in {LEFT_OUT[mart]}"
    expected = {tuple(row[k] for k in key): row for row in read(shared_data / name / "expected" / f"{mart}.csv")}
    rows = builds(name).query(f"select * from marts.{mart} {condition}")
    actual = {tuple(text(row[k]) for k in key): row for row in rows}

    assert actual.keys() == expected.keys()
    differences = [
        (key, column, cell, actual[key][column])
        for key, row in expected.items()
        for column, cell in row.items()
        if differs(cell, actual[key][column])
    ]
    assert differences == []


def test_other_currencies_and_what_their_rates_did_to_the_cent(builds: Builds, shared_data: Path) -> None:
    """A worked example: plans and orders in two currencies, and a rate a month."""
    folder = shared_data / "fx" / "expected"
    if not folder.is_dir():
        skip(f"the worked example of currencies is not there: it is looked for in {folder}")
    finished = builds("fx")
    months = finished.query("select * from marts.mrr_churn_by_period where period_grain = 'month' and segment = 'all'")
    found = {str(row["period_start_date"]): row for row in months}
    expected = read(folder / "fx.csv")
    assert found.keys() == {row["period_start_date"] for row in expected}
    for row in expected:
        for column in ("closing_mrr", "closing_mrr_at_closing_rates", "fx_effect"):
            assert found[row["period_start_date"]][column] == Decimal(row[column]), (row, column)
    for number in read(folder / "numbers.csv"):
        (row,) = finished.query(
            f"select * from marts.{number['mart']} where segment = 'all' and period_grain = '{number['grain']}' "
            f"and period_start_date = '{number['period_start_date']}'"
        )
        assert row[number["column"]] == Decimal(number["value"]), number


def test_the_published_customer_months_of_the_mrr_playbook(builds: Builds, shared_data: Path) -> None:
    """Customers 2, 3 and 4 are left out: the playbook's calendar starts in 2018 and loses them."""
    published = {
        (row["customer_id"], row["date_month"]): Decimal(row["mrr"])
        for row in read(shared_data / "mrr_playbook" / "expected" / "playbook_mrr_by_customer_month.csv")
    }
    ledger: dict[str, list[tuple[str, Decimal]]] = {}
    for row in builds("mrr_playbook").query("select * from marts.mrr_movements order by movement_date"):
        ledger.setdefault(row["customer_id"], []).append((str(row["movement_date"]), row["closing_mrr"]))

    def mrr_in(customer: str, month: str) -> Decimal:
        return next((mrr for date, mrr in reversed(ledger[customer]) if date[:7] <= month[:7]), Decimal(0))

    assert len(published) == 410
    differences = [
        (customer, month, mrr, mrr_in(customer, month))
        for (customer, month), mrr in published.items()
        if customer not in {"2", "3", "4"} and mrr != mrr_in(customer, month)
    ]
    assert differences == []


def test_the_published_month_over_month_table_of_mavenflix(shared_data: Path, tmp_path: Path) -> None:
    """The notebook counts every row as paid, never-paid trials too; so does this build."""
    for table in ("customers", "plans", "orders"):
        shutil.copy(shared_data / "mavenflix" / "raw" / f"{table}.csv", tmp_path)
    raw = (shared_data / "mavenflix" / "raw" / "subscriptions.csv").read_text()
    (tmp_path / "subscriptions.csv").write_text(raw.replace(",trialing,", ",active,"))
    variables = {"raw_location": str(tmp_path / "{table}.csv"), "as_of_date": AS_OF_DATES["mavenflix"]}
    project = lean_project(tmp_path, ["customer_churn_by_period"])
    months = build(tmp_path, variables, cwd=project).query(
        """
        select *
        from marts.customer_churn_by_period
        where period_grain = 'month' and segment = 'all'
        order by period_start_date
        """
    )
    ours = [
        (
            f"{month['period_start_date']:%Y-%m}",
            month["closing_customers"],
            following["churned_customers"],
            round(100 * following["churn_rate"], 2),
        )
        for month, following in pairwise(months)
    ]
    published = [
        (
            row["month"],
            int(row["active_at_month_end"]),
            int(row["churned_next_month"]),
            float(row["churn_rate_next_month_pct"]),
        )
        for row in read(shared_data / "mavenflix" / "expected" / "published_month_over_month.csv")
    ]
    assert ours == published


def lost_buyers(
    orders: dict[str, list[date]], as_of_date: date, days: int, after_the_first_order_only: bool
) -> Iterator[date]:
    """Days on which customers are lost: so many days after an order that no other one followed by that day."""
    for dates in orders.values():
        dates = sorted(dates)
        for number, ordered in enumerate(dates[:1] if after_the_first_order_only else dates):
            lost = ordered + timedelta(days=days)
            following = dates[number + 1] if number + 1 < len(dates) else date.max
            if lost < as_of_date and following > lost:
                yield lost


@pytest.mark.parametrize(
    ("churn_definition", "days"), [("inactivity", 90), ("inactivity", 180), ("single_purchase", 90)]
)
def test_lost_buyers_of_cdnow(builds: Builds, shared_data: Path, churn_definition: str, days: int) -> None:
    orders = defaultdict(list)
    for row in read(shared_data / "cdnow" / "raw" / "orders.csv"):
        if row["status"] == "completed" and row["ordered_at"] < AS_OF_DATES["cdnow"]:
            orders[row["customer_id"]].append(date.fromisoformat(row["ordered_at"][:10]))
    as_of_date = date.fromisoformat(AS_OF_DATES["cdnow"])
    lost = list(lost_buyers(orders, as_of_date, days, churn_definition == "single_purchase"))
    lost_by_month = Counter(day.replace(day=1) for day in lost)
    assert len(orders) == 23_570 and len(lost) > 10_000

    warehouse = builds("cdnow") if days == 90 else builds("cdnow", inactivity_days=days)
    months = warehouse.query(
        f"""
        select period_start_date, lost_customers
        from marts.churn_by_definition_by_period
        where period_grain = 'month' and segment = 'all' and churn_definition = '{churn_definition}'
        """
    )
    ours = {month["period_start_date"]: month["lost_customers"] for month in months}
    assert len(ours) == 18
    assert ours == {month: lost_by_month[month] for month in ours}
    assert sum(ours.values()) == len(lost)
    events = warehouse.query(f"from marts.churn_events where churn_definition = '{churn_definition}'")
    assert Counter(event["churned_on"] for event in events) == Counter(lost)
