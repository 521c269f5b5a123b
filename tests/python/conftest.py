"""Whole builds for the tests: dbt in a process of its own, a fresh warehouse in a temporary folder."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest
import yaml
from dbt_child import finished_dbt
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
SHARED_DATA = ROOT.parent / "shared" / "data"
RAW_COLUMNS = {
    "customers": "customer_id created_at country acquisition_channel".split(),
    "plans": "plan_id plan_name product tier price currency billing_interval billing_interval_count".split(),
    "subscriptions": (
        "subscription_id customer_id plan_id status quantity discount_percent "
        "started_at ended_at cancel_requested_at end_reason"
    ).split(),
    "orders": "order_id customer_id ordered_at status amount refunded_amount currency".split(),
    "activity": "customer_id activity_date events".split(),
}
# What raw tables may have beside these, and what the demo has not.
ABOUT_THE_BUILD = {"build_changes", "build_changes_by_month", "data_quality", "source_reconciliation"}
OPTIONAL_COLUMNS = {"customers": ["email"], "subscriptions": ["amount"]}
RATE_COLUMNS = {"exchange_rates": "currency date rate".split()}


@dataclass
class Build:
    """A finished `dbt` command: its exit code, what it printed, and the warehouse it wrote."""

    returncode: int
    output: str
    warehouse: Path

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query on the warehouse, as dicts."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]


def inherited() -> dict[str, str]:
    """The environment of the tests, without settings of whoever runs them."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("RETENTION_", "DBT_"))}


def free_port() -> str:
    """A port of this machine that nobody uses."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return str(unused.getsockname()[1])


def dbt_process(
    folder: Path | str,
    *arguments: str,
    variables: dict[str, Any] | None = None,
    cwd: Path = ROOT,
    **environment: str,
) -> dict[str, Any]:
    """What subprocess needs to run dbt on this project; its warehouse, marts, target and logs go to `folder`.

    Tests build one thing after another, so that restatements are accepted unless the variables say otherwise.
    """
    folder = Path(folder)
    variables = {"accept_restatement": True, **(variables or {})}
    environment = dict(
        inherited(),
        RETENTION_WAREHOUSE=str(folder / "warehouse.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"),
        DBT_LOG_PATH=str(folder / "logs"),
        DBT_USE_COLORS="false",
        **{"RETENTION_MARTS": str(folder / "marts.duckdb"), **environment},
    )
    command = [str(Path(sys.executable).parent / "dbt"), *arguments, "--vars", json.dumps(variables, default=str)]
    # Whoever runs the tests in the background ignores interrupts; dbt must not inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return {"args": command, "cwd": cwd, "env": environment, "text": True, "preexec_fn": heed}


def dbt(folder: Path | str, *arguments: str, **options: Any) -> Build:
    """Run dbt on this project to its end: see dbt_process."""
    return Build(*finished_dbt(**dbt_process(folder, *arguments, **options)), Path(folder) / "warehouse.duckdb")


def build(folder: Path | str, variables: dict[str, Any] | None = None, *arguments: str, cwd: Path = ROOT) -> Build:
    """`dbt build` without the unit tests, which do not depend on the data. Fails the test where the build fails."""
    finished = dbt(folder, "build", "--exclude-resource-type", "unit_test", *arguments, variables=variables, cwd=cwd)
    assert finished.returncode == 0, finished.output[-6000:]
    return finished


def copy_project(project: Path, *left_out: str) -> None:
    """The project as git knows it: no environments, no raw files of one's own, nothing that was built."""
    ignored = shutil.ignore_patterns(".*", "target", "logs", "exports", "data", "*.duckdb*", *left_out)
    shutil.copytree(ROOT, project, ignore=ignored)


def lean_project(folder: Path, marts: list[str]) -> Path:
    """A copy of the project with these marts and what they need, without singular tests: it builds in seconds."""
    project = folder / "project"
    copy_project(project, "python", "singular")
    shutil.rmtree(project / "models" / "sources")
    for path in (project / "models" / "raw").glob("source_*.sql"):
        path.unlink()
    models = {path.stem: path for path in (project / "models").rglob("*.sql")}
    changes = models["build_changes"].read_text().splitlines(keepends=True)
    watched = [f"'{mart}'" for mart in marts]
    models["build_changes"].write_text(
        "".join(line for line in changes if "depends_on" not in line or any(mart in line for mart in watched))
    )
    kept: set[str] = set()
    todo = [*marts, *(name for name in models if name.startswith(("stg_", "raw_")))]
    while todo:
        name = todo.pop()
        if name in models and name not in kept:
            kept.add(name)
            todo += re.findall(r"ref\('(\w+)'\)", models[name].read_text())
    for name in models.keys() - kept:
        models[name].unlink()
        models[name].with_suffix(".yml").unlink()
    (project / "models" / "exposures.yml").unlink()
    shutil.rmtree(project / "models" / "semantic")
    config = project / "dbt_project.yml"
    config.write_text(config.read_text().replace('''"{{ target.type == 'duckdb' }}"''', "false"))  # of unit tests
    return project


def suite_in(content: dict[str, Any]) -> dict[str, Any]:
    """The suite in the content of a file of expectations/: the tests there refer to it."""
    suite: dict[str, Any]
    (suite,) = [anchored for anchored in content["anchors"] if "expectations" in anchored]
    return suite


def suite_of(project: Path, table: str) -> dict[str, Any]:
    """The suite of a raw table."""
    return suite_in(yaml.safe_load((project / "expectations" / f"{table}.yml").read_text(encoding="utf-8")))


def leave_out_guard(project: Path) -> None:
    """Let a copy of the project build without the data tests that guard raw tables, which it would miss."""
    path = project / "dbt_project.yml"
    settings = path.read_text()
    path.write_text(settings.replace('  - "{{ check_suites() }}"\n', ""))
    assert path.read_text() != settings


def write_raw(folder: Path, raw: dict[str, tuple[list[str], list[dict[str, str]]]]) -> str:
    """Write raw tables (table name -> columns, list of dicts of text) as CSV; returns their raw_location."""
    for table, (columns, rows) in raw.items():
        with open(folder / f"{table}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return str(folder / "{table}.csv")


def skip(reason: str) -> NoReturn:
    """Skip a test that needs what is not there; where RETENTION_MUST_RUN_ALL is set, as in CI, fail instead."""
    if os.environ.get("RETENTION_MUST_RUN_ALL"):
        raise pytest.fail.Exception(f"RETENTION_MUST_RUN_ALL is set, but {reason}")
    raise pytest.skip.Exception(reason)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Build:
    """A plain `dbt build`, unit tests and all: one for all workers. Its files are not to be changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demo"
    told = folder / "output.txt"
    with FileLock(f"{folder}.lock"):
        if not told.exists():
            folder.mkdir()
            finished = dbt(folder, "build")
            assert finished.returncode == 0, finished.output[-6000:]
            assert "WARN=0 ERROR=0 SKIP=0" in finished.output
            told.write_text(finished.output)
    return Build(0, told.read_text(), folder / "warehouse.duckdb")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets with known results."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not there: they are looked for in ../shared/data beside the project")
    return SHARED_DATA
