"""The marts against a brute-force reference, on random companies full of awkward cases.

`RANDOM_COMPANIES=200 pytest tests/python/test_reference.py` tries more of them.
"""

import csv
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import RAW_COLUMNS, ROOT, build, copy_project, write_raw
from random_company import company
from reference import Marts, Raw, Settings, marts
from reference_churn import Facts, churn_marts

SEEDS = range(int(os.environ.get("RANDOM_COMPANIES", "3")))
PERIOD_KEY = ("period_grain", "period_start_date", "segment", "segment_value")
KEYS = {
    "retention_by_cohort": ("basis", "period_grain", "cohort_start_date", "periods_since", "segment", "segment_value"),
    "plan_transitions_by_period": (*PERIOD_KEY, "from_plan_id", "to_plan_id"),
    "churn_events": ("churn_definition", "customer_id", "churned_on"),
    "churn_by_definition_by_period": (*PERIOD_KEY, "churn_definition"),
    "churn_reasons_by_period": (*PERIOD_KEY, "churn_type", "reason", "tenure_band", "plan_id"),
    "lifecycle_by_period": (*PERIOD_KEY, "lifecycle_stage"),
    "lifecycle_transitions_by_period": (*PERIOD_KEY, "from_stage", "to_stage"),
    "mrr_movements": ("customer_id", "movement_date"),
    "customers": ("customer_id",),
    "customer_segments": ("customer_id", "segment"),
    "plans": ("plan_id",),
    "mrr_bridge_by_period": (*PERIOD_KEY, "step_number"),
    "periods": ("period_grain", "period_start_date"),
}
# Ratios cast to money are worked out in floating point, so that the last digit may be off by one.
MONEY_RATIOS = {
    "arpa",
    "subscription_clv",
    "trailing_subscription_clv",
    "average_order_value",
    "order_clv",
    "realized_order_clv",
}


def same(column: str, expected: Any, actual: Any) -> bool:
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, float):
        return isinstance(actual, float) and abs(expected - actual) <= 1e-12 * max(1, abs(expected))
    if column in MONEY_RATIOS:
        return abs(expected - actual) <= max(Decimal("0.000001"), abs(expected) * Decimal("1e-12"))
    return expected == actual and type(expected) is type(actual)


def columns_of(raw: Raw, table: str) -> list[str]:
    """The contract's columns and those that the rows have beside them."""
    return list(dict.fromkeys([*RAW_COLUMNS.get(table, []), *(column for row in raw[table] for column in row)]))


def project_with(grains: list[str], folder: Path) -> Path:
    """The project, or a copy of it where the grains are others than those of the seed."""
    seed = Path("seeds", "reference", "period_grains.csv")
    with open(ROOT / seed, newline="") as file:
        reader = csv.DictReader(file)
        rows = {row["period_grain"]: row for row in reader}
    if list(rows) == grains:
        return ROOT
    rows["half_year"] = {**rows["quarter"], "period_grain": "half_year", "periods_per_year": "2"}
    rows["half_year"] = {name: "H" if value == "Q" else value for name, value in rows["half_year"].items()}
    copy_project(folder / "project", "python")
    with open(folder / "project" / seed, "w", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[grain] for grain in grains)
    return folder / "project"


def reference(raw: Raw, settings: Settings) -> Marts:
    """The rows of all marts; `customers` has some of its columns from the one module, the rest from the other."""
    facts = Facts(raw, settings)
    core, churn = marts(facts), churn_marts(facts)
    more = {row["customer_id"]: row for row in churn.pop("customers")}
    return core | churn | {"customers": [row | more[row["customer_id"]] for row in core["customers"]]}


@pytest.mark.parametrize("seed", SEEDS)
def test_marts_equal_the_reference(seed: int, tmp_path: Path) -> None:
    raw, settings = company(seed)
    location = write_raw(tmp_path, {table: (columns_of(raw, table), rows) for table, rows in raw.items()})
    variables = {name: value for name, value in settings.items() if name != "period_grains"}
    project = project_with(settings["period_grains"], tmp_path)
    finished = build(tmp_path, {"raw_location": location, **variables}, cwd=project)

    differences: list[tuple[Any, ...]] = []
    for mart, expected_rows in reference(raw, settings).items():
        key = KEYS.get(mart, PERIOD_KEY)
        expected = {tuple(row[k] for k in key): row for row in expected_rows}
        assert len(expected) == len(expected_rows), mart
        actual = {tuple(row[k] for k in key): row for row in finished.query(f"select * from marts.{mart}")}
        differences += [(mart, "only in the reference", k) for k in expected.keys() - actual.keys()]
        differences += [(mart, "only in the mart", k) for k in actual.keys() - expected.keys()]
        for k in expected.keys() & actual.keys():
            known = [column for column in actual[k] if column in expected[k]]
            assert list(expected[k]) == known and len(known) == len(actual[k]), mart
            differences += [
                (mart, k, column, value, actual[k][column])
                for column, value in expected[k].items()
                if not same(column, value, actual[k][column])
            ]
    assert not differences, f"{len(differences)} differences, such as {differences[:8]}"
