"""The benchmarks: the company is the same every time, and the rivals' answers are the marts'."""

import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, dbt

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
BENCHMARKS = ROOT / "benchmarks"
RIVALS = ["duckdb_spine", "pandas_script", "polars_script"]
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the rivals' environment is not there: make .venv-bench/bench"
)


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PYTHON), *map(str, arguments)], capture_output=True, text=True)


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


def test_the_floor_that_writes_has_every_published_mart(company: Path, warehouse: Path, tmp_path: Path) -> None:
    published, answers = tmp_path / "marts.duckdb", tmp_path / "answers"
    answers.mkdir()
    marts = ["customer_churn_by_period", "retention_by_cohort"]
    with duckdb.connect(str(published)) as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        for mart in marts:
            connection.execute(f"create table {mart} as from warehouse.marts.{mart}")
        connection.execute("create table published as select unnest(?) as mart", [marts])
    for _ in range(2):  # it is measured up to three times
        run = python(BENCHMARKS / "rivals" / "floor.py", company / "raw", answers, "marts", published)
        assert run.returncode == 0, run.stderr
    raw_tables = sorted(file.stem.removesuffix("_floor") for file in answers.glob("*.parquet"))
    assert raw_tables == ["customers", "orders", "subscriptions"]
    with duckdb.connect(str(published)) as connection:
        connection.execute(f"attach '{answers / 'floor.duckdb'}' as floor (read_only)")
        for mart in marts:
            query = f"select (select count(*) from floor.{mart}), count(*) from {mart}"
            ((written, rows),) = connection.execute(query).fetchall()
            assert written == rows > 0


def test_the_nodes_of_a_build_add_up(company: Path, warehouse: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import bench, json, pathlib;"
    run = python("-c", f"{code} print(json.dumps(bench.nodes(pathlib.Path(sys.argv[2]))))", BENCHMARKS, company)
    assert run.returncode == 0, run.stderr
    groups, slowest = json.loads(run.stdout)
    seconds = {name: group["seconds"] for name, group in groups.items()}
    parts = [seconds[f"models {part}"] for part in ["subscriptions", "orders", "both"]]
    assert sum(parts) == pytest.approx(seconds["models"], abs=0.01)
    # The calendar is made of both sides: without it each side stands alone.
    assert min(parts) > 0
    assert 0 < seconds["marts subscriptions"] < seconds["models"]
    assert 0 < seconds["marts orders"] < seconds["models"]
    assert seconds["hooks"] > 0
    assert slowest[0][1] >= slowest[-1][1] > 0


def test_customers_with_changes_are_found_by_their_keys(company: Path, warehouse: Path) -> None:
    run = python(BENCHMARKS / "incremental.py", company, company / "raw")
    assert run.returncode == 0, run.stderr
    measured = json.loads(run.stdout)
    assert 0 < measured["touched"] < 100
    assert measured["kept"] > 0
    assert measured["replace"] > 0
