"""The bundled demo, as a newcomer meets it: it builds, looks like a business, and the README tells the truth."""

import contextlib
import filecmp
import io
import json
import re
import runpy
import shutil

import duckdb
import pytest
from conftest import ROOT, dbt


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A plain `dbt build`, unit tests and all."""
    finished = dbt(tmp_path_factory.mktemp("demo"), "build")
    assert finished.returncode == 0, finished.output[-6000:]
    assert "WARN=0 ERROR=0 SKIP=0" in finished.output
    return finished


def test_the_demo_is_what_its_script_writes(tmp_path):
    shutil.copy(ROOT / "seeds" / "demo" / "generate.py", tmp_path)
    runpy.run_path(str(tmp_path / "generate.py"), run_name="__main__")
    written = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert written == [
        f"raw_{table}.csv" for table in ("activity", "customers", "orders", "plans", "subscriptions")
    ]  # fmt: skip
    assert filecmp.cmpfiles(tmp_path, ROOT / "seeds" / "demo", written, shallow=False) == (written, [], [])
    assert sum((tmp_path / name).stat().st_size for name in written) < 1_000_000


def test_the_demo_looks_like_a_business(demo):
    rates = [
        row["churn_rate"]
        for row in demo.query(
            """
            select churn_rate
            from marts.customer_churn_by_period
            where period_grain = 'month' and segment = 'all'
            order by period_start_date
            """
        )[3:]
    ]
    assert len(rates) == 27
    assert all(0.02 < rate < 0.055 for rate in rates)

    retention = [
        row["retention"]
        for row in demo.query(
            """
            select sum(retained_customers) / sum(cohort_size) as retention
            from marts.retention_by_cohort
            where basis = 'subscription' and period_grain = 'month' and segment = 'all'
                and cohort_start_date < date '2023-06-01' and periods_since between 1 and 9
            group by periods_since
            order by periods_since
            """
        )
    ]
    assert retention[0] - retention[2] > retention[6] - retention[8]  # the cohorts flatten


def test_every_column_is_described(demo):
    manifest = json.loads((demo.warehouse.parent / "target" / "manifest.json").read_text())
    described = {
        (node["schema"], node.get("alias") or node["name"], name)
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        if node["resource_type"] in ("model", "seed", "source") and node["description"]
        for name, column in node["columns"].items()
        if column["description"]
    }
    built = {
        (row["table_schema"], row["table_name"], row["column_name"])
        for row in demo.query("select * from information_schema.columns where table_schema <> 'main'")
    }
    assert built - described == set()
    tables = {place[:2] for place in built}
    assert {place for place in described - built if place[:2] in tables} == set()


def test_the_readme_prints_what_is_printed(demo, monkeypatch):
    readme = (ROOT / "README.md").read_text()
    python, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", readme, re.S).groups()
    monkeypatch.chdir(demo.warehouse.parent)
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        exec(python, {})
    assert answer.getvalue().rstrip() == printed.rstrip()

    sql, printed = re.search(r'--inline "\n(.*?)"\n```\n\n```\n(.*?)```', readme, re.S).groups()
    shown = dbt(demo.warehouse.parent, "show", "--quiet", "--limit", "4", "--inline", sql)
    assert shown.output.strip() == printed.strip()


def test_the_walk_through_prints_what_is_printed(demo):
    page = (ROOT / "models" / "walk_through.md").read_text()
    steps = re.findall(r"```sql\n(.*?)\n```\n\n(\|.*?)\n\n", page, re.S)
    assert len(steps) == 6
    with duckdb.connect(str(demo.warehouse.with_name("marts.duckdb")), read_only=True) as marts:
        for sql, printed in steps:
            answer = marts.execute(sql)
            names = [column[0] for column in answer.description]
            texts = [["" if value is None else str(value) for value in row] for row in answer.fetchall()]
            lines = [names, ["---"] * len(names), *texts]
            assert [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()] == [
                [cell.lower() if cell in ("True", "False") else cell for cell in line] for line in lines
            ]
