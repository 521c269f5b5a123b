"""The board shows the numbers of the marts, on pages that open from the disk and that everybody can read."""

import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ROOT, Build, skip

PYTHON = ROOT / ".venv-board" / "bin" / "python"
AXE = ROOT / ".venv-board" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOWN = "period_grain = 'month' and segment = 'all' and period_start_date >= date '2022-07-01'"
LATEST = "period_grain = 'month' and segment = 'all' and period_start_date = date '2024-06-01'"
MONTH = "strftime(period_start_date, '%Y-%m')"

# What each query of a board has to show: the columns to compare, and the same numbers asked of the marts another way.
EXPECTED = {
    "overview.latest": (
        "period closing_customers net_new_customers churn_rate churn_rate_change closing_mrr net_new_mrr net_retention "
        "net_retention_change gross_retention gross_retention_change",
        f"""
        select '2024-06', closing_customers, new_customers + reactivated_customers - churned_customers,
            churned_customers / opening_customers, round(100 * churn_rate_change, 1),
            (select closing_mrr from marts.mrr_churn_by_period where {LATEST}),
            (select closing_mrr - opening_mrr from marts.mrr_churn_by_period where {LATEST}),
            (select retained_mrr / opening_mrr from marts.retention_by_period where {LATEST}),
            (select round(100 * (max_by(net_revenue_retention, period_start_date)
                - min_by(net_revenue_retention, period_start_date)), 1)
            from marts.retention_by_period
            where period_grain = 'month' and segment = 'all' and period_start_date in ('2024-05-01', '2024-06-01')),
            (select gross_revenue_retention from marts.retention_by_period where {LATEST}),
            (select round(100 * (max_by(gross_revenue_retention, period_start_date)
                - min_by(gross_revenue_retention, period_start_date)), 1)
            from marts.retention_by_period
            where period_grain = 'month' and segment = 'all' and period_start_date in ('2024-05-01', '2024-06-01'))
        from marts.customer_churn_by_period where {LATEST}
        """,
    ),
    "overview.churn": (
        "period churn_rate churn_rate_low confidence_interval benchmark_low benchmark_high",
        f"""
        select {MONTH}, churned_customers / opening_customers, churn_rate_low, churn_rate_high, 0.01, 0.03
        from marts.customer_churn_by_period where {SHOWN}
        """,
    ),
    "overview.customers_moved": (
        "period moved customers",
        f"""
        select {MONTH}, 'Came', closing_customers - opening_customers + churned_customers
        from marts.customer_churn_by_period where {SHOWN}
        union all select {MONTH}, 'Left', opening_customers - retained_customers
        from marts.retention_by_period where {SHOWN}
        """,
    ),
    "overview.bridge": (
        "step mrr running_mrr currency",
        f"""
        with month as (select * from marts.mrr_churn_by_period where {LATEST})
        select 'Opening', opening_mrr, opening_mrr, 'USD' from month
        union all select 'New', new_mrr, opening_mrr + new_mrr, 'USD' from month
        union all
        select 'Reactivation', reactivation_mrr, opening_mrr + new_mrr + reactivation_mrr, 'USD' from month
        union all
        select 'Expansion', expansion_mrr, closing_mrr + churned_mrr + contraction_mrr, 'USD' from month
        union all select 'Contraction', -contraction_mrr, closing_mrr + churned_mrr, 'USD' from month
        union all select 'Churned', -churned_mrr, closing_mrr, 'USD' from month
        union all select 'Closing', closing_mrr, closing_mrr, 'USD' from month
        """,
    ),
    "overview.mrr_moved": (
        "period movement mrr",
        f"""
        with months as (select * from marts.mrr_churn_by_period where {SHOWN})
        select {MONTH}, 'New', new_mrr from months
        union all select {MONTH}, 'Reactivation', reactivation_mrr from months
        union all select {MONTH}, 'Expansion', expansion_mrr from months
        union all select {MONTH}, 'Contraction', -contraction_mrr from months
        union all select {MONTH}, 'Churned', -churned_mrr from months
        """,
    ),
    "overview.losses": (
        "period loss number",
        f"""
        with months as (select * from marts.cancellations_by_period where {SHOWN})
        select {MONTH}, 'Cancellations requested', cancellations_requested from months
        union all select {MONTH}, 'Customers downgraded', downgrade_customers from months
        union all select {MONTH}, 'Customers churned', churned_customers from marts.customer_churn_by_period where {SHOWN}
        """,
    ),
    "trust.build": (
        "as_of_date published_on",
        "select distinct cast(as_of_date as text), cast(cast(published_at as date) as text) from marts.published",
    ),
    "trust.guard": (
        "expectations findings rows_quarantined",
        "select count(*), 0, sum(rows_quarantined) from marts.data_quality where is_latest",
    ),
    "trust.restated": ("changed_numbers restated_numbers", "select count(*), 0 from marts.build_changes"),
    "trust.raw_tables": (
        "raw_table raw_rows expectations held critical warnings infos rows_quarantined",
        """
        select raw_table, any_value(rows_checked), count(*), sum(cast(is_success as integer)), 0, 0,
            sum(cast(not is_success as integer)), 0
        from marts.data_quality where is_latest group by raw_table
        """,
    ),
    "trust.found": (
        "severity expectation rows_failed rows_checked samples",
        """
        select severity, concat(raw_table, '.', column_name, ' ', description), rows_failed, rows_checked, samples
        from marts.data_quality where is_latest and not is_success
        """,
    ),
    "trust.changes": ("mart month changed_numbers restated_numbers changed_totals", "select 1, 2, 3, 4, 5 where false"),
    "trust.facts": (
        "fact is",
        """
        with build as (select distinct * exclude (mart, row_count) from marts.published)
        select 'Data', 'the bundled demo company'
        union all select 'Currency', 'USD'
        union all select 'Build', build_id from build
        union all select 'Published at', cast(date_trunc('second', published_at) as text) || ' UTC' from build
        union all select 'dbt', dbt_version from build
        union all select 'DuckDB', duckdb_version from build
        union all select 'Commit of the project', coalesce(git_commit, 'not in git') from build
        """,
    ),
    "trust.vars": (
        "var value",
        "select key, coalesce(value ->> '$', 'not set') from json_each((select any_value(vars) from marts.published))",
    ),
    "trust.published": (
        "mart row_count",
        """
        select table_name, estimated_size from duckdb_tables()
        where schema_name = 'main' and table_name <> 'published'
        """,
    ),
}  # fmt: skip


def board(marts: Path | str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run charts/board.py on a file of marts."""
    if not PYTHON.exists():
        skip("there is no .venv-board: make .venv-board/board")
    environment = {**os.environ, "RETENTION_MARTS": str(marts), **environment}
    command = [str(PYTHON), str(ROOT / "charts" / "board.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def marts(demo: Build) -> Path:
    return demo.warehouse.with_name("marts.duckdb")


@pytest.fixture(scope="module")
def shown(marts: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Board -> query -> the rows that it shows."""
    finished = board(marts, "data")
    assert finished.returncode == 0, finished.stderr
    return {
        name: {query: answer["rows"] for query, answer in json.loads(data)["queries"].items()}
        for name, data in json.loads(finished.stdout).items()
    }


def comparable(value: Any) -> Any:
    """A number with six digits after the point, whatever its type, and no minus zero; anything else as it is."""
    return round(float(value), 6) + 0.0 if isinstance(value, int | float | Decimal) else value


def test_every_number_on_the_board_is_the_one_in_the_marts(
    marts: Path, shown: dict[str, dict[str, list[dict[str, Any]]]]
) -> None:
    asked = {f"{name}.{query}": rows for name, queries in shown.items() for query, rows in queries.items()}
    assert asked.keys() == EXPECTED.keys()
    with duckdb.connect(str(marts), read_only=True) as connection:
        for name, (columns, sql) in EXPECTED.items():
            rows = [tuple(comparable(row[column]) for column in columns.split()) for row in asked[name]]
            expected = [tuple(map(comparable, row)) for row in connection.execute(sql).fetchall()]
            assert sorted(map(repr, rows)) == sorted(map(repr, expected)), name


@pytest.mark.parametrize("arguments", [("write",), ("serve",)])
def test_without_marts_it_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    finished = board(tmp_path / "marts.duckdb", *arguments, RETENTION_BOARD=str(tmp_path / "board"))
    assert finished.returncode == 1
    assert finished.stderr == (
        f"There are no marts to show: {tmp_path / 'marts.duckdb'} does not exist. "
        "`make build` publishes marts; RETENTION_MARTS names the file they are in.\n"
    )
    assert not (tmp_path / "board").exists()


def test_a_file_that_holds_no_marts_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database")
    finished = board(tmp_path / "notes.txt", "write")
    assert finished.returncode == 1
    assert "notes.txt is no file of marts. " in finished.stderr
    assert "Traceback" not in finished.stderr


OVERVIEW = """
import sys
from pathlib import Path

import board

marts = Path(sys.argv[1])
print(board.rendered(marts, board.published(marts), "html", boards=["overview"])["overview"])
"""


def overview(marts: Path, folder: Path, *statements: str) -> str:
    """The text of the page Overview of a copy of the marts, of another name, after some statements."""
    changed = folder / "changed.duckdb"
    shutil.copy(marts, changed)
    with duckdb.connect(str(changed)) as connection:
        for statement in statements:
            connection.execute(statement)
    if not PYTHON.exists():
        skip("there is no .venv-board: make .venv-board/board")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "charts")}
    command = [str(PYTHON), "-c", OVERVIEW, str(changed)]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert finished.returncode == 0, finished.stderr
    return re.sub("<script.*?</script>|<style.*?</style>|<[^>]*>", "", finished.stdout, flags=re.DOTALL)


def test_a_running_period_is_marked_and_a_currency_without_decimals_has_none(marts: Path, tmp_path: Path) -> None:
    tables = "periods kpis_by_period customer_churn_by_period mrr_bridge_by_period cancellations_by_period".split()
    text = overview(
        marts,
        tmp_path,
        "update published set currency = 'JPY'",
        "update kpis_by_period set currency = 'JPY'",
        *(f"update {name} set is_complete = false where period_start_date = date '2024-06-01'" for name in tables),
    )
    assert "The last period of each chart is not over yet" in text
    assert "so far" in text
    assert "2024-05" in text  # the headline is about the last complete month
    assert "2024-06" not in text
    assert {"JPY66,212", "JPY +2,819", "JPY 66,212"} <= set(re.findall(r"JPY ?[+−]?[\d.,]+", text))
    assert not re.search(r"JPY ?[+−]?[\d,]*\.", text)


def test_a_side_without_data_is_said_so(marts: Path, tmp_path: Path) -> None:
    subscriptions = (
        "customer_churn_by_period mrr_churn_by_period retention_by_period mrr_bridge_by_period cancellations_by_period"
    )
    text = overview(
        marts,
        tmp_path,
        *(f"delete from {name}" for name in subscriptions.split()),
        "update kpis_by_period set closing_customers = null, closing_mrr = null",
    )
    assert "No customer has paid for a subscription." in text
    assert "churn rate" not in text


@pytest.fixture(scope="module")
def chromium() -> str:
    if not CHROMIUM:
        skip("there is no Chromium")
    if not AXE.exists():
        skip("there is no axe-core: make .venv-board/test")
    return CHROMIUM


def looked_at(folder: Path, chromium: str) -> dict[str, list[str]]:
    """Page and width -> what is wrong with it, by Chromium and axe-core."""
    command = [str(PYTHON), str(ROOT / "tests" / "python" / "board_pages.py"), str(folder), chromium, str(AXE)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_every_page_opens_from_the_disk_for_everybody(marts: Path, tmp_path: Path, chromium: str) -> None:
    finished = board(marts, "write", RETENTION_BOARD=str(tmp_path / "board"))
    assert finished.returncode == 0, finished.stderr
    found = looked_at(tmp_path / "board", chromium)
    pages = {f"{page.name} at {width}" for page in (tmp_path / "board").iterdir() for width in (1440, 420)}
    assert {"index.html at 420", "overview.html at 1440", "overview_dark.html at 420", "trust.html at 420"} <= pages
    assert found == dict.fromkeys(pages, [])


def test_the_look_at_a_page_finds_what_is_wrong(tmp_path: Path, chromium: str) -> None:
    (tmp_path / "page.html").write_text(
        """<html><head><title>Page</title></head><body>
        <img src="http://127.0.0.1:9/outside.png">
        <svg><g class="dbt-chart" data-chart-type="bar" data-chart-id="empty"><text>No data</text></g></svg>
        <script>nothing()</script>
        </body></html>"""
    )
    found = "\n".join(looked_at(tmp_path, chromium)["page.html at 420"])
    for problem in (
        "request: http://127.0.0.1:9/outside.png",
        "chart without marks: empty",
        "script: nothing is not defined",
        "axe, serious: html-has-lang",
        "axe, critical: image-alt",
    ):
        assert problem in found
