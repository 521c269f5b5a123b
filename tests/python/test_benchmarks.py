"""The benchmarks: the company is the same every time, and the rivals' answers are the marts'."""

import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, dbt

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
BENCHMARKS = ROOT / "benchmarks"
RIVALS = ["duckdb_spine", "pandas_script", "polars_script"]
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the rivals' environment is not there: make .venv-bench/bench"
)


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PYTHON, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw tables of 100 customers and, per rival, its answers."""
    folder = tmp_path_factory.mktemp("company")
    runs = [python(BENCHMARKS / "generate.py", folder / "raw", 100)]
    for rival in RIVALS:
        (folder / rival).mkdir()
        for side in ["subscriptions", "orders"]:
            runs.append(python(BENCHMARKS / "rivals" / f"{rival}.py", folder / "raw", folder / rival, side))
    assert [run.stderr for run in runs if run.returncode] == []
    return folder


@pytest.fixture(scope="module")
def warehouse(company: Path) -> Path:
    marts = ["customer_churn_by_period", "mrr_churn_by_period", "repeat_purchase_by_period", "retention_by_cohort"]
    built = dbt(
        company,
        "build",
        "--select",
        *(f"+{mart}" for mart in marts),
        "--resource-type",
        "model",
        "seed",
        variables={"raw_location": str(company / "raw" / "{table}.parquet")},
    )
    assert built.returncode == 0, built.output[-3000:]
    return built.warehouse


def test_the_company_is_the_same_every_time(company: Path, tmp_path: Path) -> None:
    assert python(BENCHMARKS / "generate.py", tmp_path, 100).returncode == 0
    tables = sorted(file.name for file in tmp_path.iterdir())
    assert tables == ["customers.parquet", "orders.parquet", "plans.parquet", "subscriptions.parquet"]
    for table in tables:
        assert (tmp_path / table).read_bytes() == (company / "raw" / table).read_bytes()


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_agrees_with_the_marts(company: Path, warehouse: Path, rival: str) -> None:
    checked = python(BENCHMARKS / "agreement.py", warehouse, company / rival)
    assert checked.returncode == 0, checked.stderr
    assert "rows agree" in checked.stdout


def test_a_wrong_answer_is_noticed(company: Path, warehouse: Path, tmp_path: Path) -> None:
    for side, file in [("churned_customers", "subscriptions"), ("revenue", "orders"), ("cohort_size", "cohorts")]:
        (tmp_path / file).mkdir()
        spoil = f"""
            import duckdb
            answer = duckdb.sql("from '{company}/pandas_script/{file}.parquet'")
            spoilt = answer.project("* replace ({side} + cast(month = date '2020-02-01' as integer) as {side})")
            spoilt.write_parquet("{tmp_path}/{file}/{file}.parquet")
        """
        assert python("-c", "\n".join(line.strip() for line in spoil.splitlines())).returncode == 0
        checked = python(BENCHMARKS / "agreement.py", warehouse, tmp_path / file)
        assert checked.returncode == 1
        assert f"{file}.{side} differs" in checked.stderr
