"""The semantic layer: MetricFlow's answers are the numbers of the marts."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, build, copy_project, inherited, skip

PYTHON = ROOT / ".venv-metrics" / "bin" / "python"


def metricflow(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run something of the semantic layer's environment in a copy of the project, on the warehouse beside it."""
    environment = {**inherited(), "RETENTION_WAREHOUSE": str(project.parent / "warehouse.duckdb")}
    command = (str(PYTHON.with_name(command[0])), *command[1:])
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def built(folder: Path, variables: dict[str, Any]) -> Path:
    """A copy of the project in a folder, with the demo built by these vars."""
    if not PYTHON.exists():
        skip("there is no .venv-metrics: make .venv-metrics/metrics")
    copy_project(folder / "project", "singular")
    build(folder, variables, cwd=folder / "project")
    metricflow(folder / "project", "dbt", "parse")  # what MetricFlow reads
    return folder / "project"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("metrics"), {})


def all_equal(project: Path) -> list[str]:
    """The lines of the comparison, one per grain in total and by segment; fails the test where a number differs."""
    finished = metricflow(project, "python", "tests/python/compare_metrics.py")
    lines = finished.stdout.splitlines()
    assert finished.returncode == 0 and len(lines) == 8, finished.stdout + finished.stderr[-3000:]
    assert all(line.endswith(", 0 values differ") for line in lines)
    return lines


def test_every_metric_is_the_number_of_its_mart(project: Path) -> None:
    assert not any(" 0 rows," in line for line in all_equal(project))


def test_a_calendar_year_that_is_no_fiscal_year_is_null(tmp_path: Path) -> None:
    lines = all_equal(built(tmp_path, {"fiscal_year_start_month": 4}))
    assert [line for line in lines if " 0 rows," in line] == [line for line in lines if line.startswith("year")]


@pytest.mark.parametrize(
    ("starts_in", "as_of_date"),
    [
        pytest.param(4, "2024-02-10", id="a quarter of the year"),
        pytest.param(2, "2024-01-10", id="a month of the quarter"),
    ],
)
def test_a_group_that_is_no_fiscal_period_is_null_where_one_period_of_it_is_known(
    tmp_path: Path, starts_in: int, as_of_date: str
) -> None:
    all_equal(built(tmp_path, {"fiscal_year_start_month": starts_in, "as_of_date": as_of_date}))


def test_a_running_month_quarter_and_year_stand_as_of_the_last_known_day(tmp_path: Path) -> None:
    lines = all_equal(built(tmp_path, {"as_of_date": "2024-01-20"}))
    for grain, rows in {"month": 25, "quarter": 9, "year": 3}.items():  # January is all there is of the last of each
        assert f"{grain} in total: 40 metrics, {rows} rows, 0 values differ" in lines


def test_the_configuration_is_valid(project: Path) -> None:
    finished = metricflow(project, "mf", "validate-configs")
    assert finished.returncode == 0, finished.stdout
    assert finished.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6


def test_another_number_is_found(project: Path) -> None:
    file = project / "models" / "semantic" / "metrics.yml"
    said = file.read_text()
    wrong = said.replace("expr: customer_churn_row.churn_rate}", "expr: 1 - customer_churn_row.churn_rate}")
    assert wrong != said
    try:
        file.write_text(wrong)
        metricflow(project, "dbt", "parse")
        finished = metricflow(project, "python", "tests/python/compare_metrics.py")
    finally:
        file.write_text(said)
        metricflow(project, "dbt", "parse")
    assert finished.returncode == 1 and "churn_rate: the layer" in finished.stdout, finished.stdout + finished.stderr
