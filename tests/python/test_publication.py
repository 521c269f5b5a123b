"""Readers see the marts of whole builds that passed: whatever fails, is interrupted or killed, and whoever looks on."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pytest
import yaml
from conftest import RAW_COLUMNS, ROOT, Build, dbt, dbt_process, lean_project, leave_out_guard, write_raw

MARTS = [
    "customer_churn_by_period", "mrr_churn_by_period", "retention_by_period", "retention_by_cohort", "clv_by_period",
    "repeat_purchase_by_period", "mrr_movements", "periods", "data_quality", "build_changes", "build_changes_by_month",
]  # fmt: skip
READER = Path(__file__).with_name("reader.py")
OTHER_PYTHON = ROOT / ".venv-lint" / "bin" / "python"  # the linters' environment has a DuckDB 1.x
KILLS = int(os.environ.get("KILLS", "16"))
PUBLISHED_LINE = r"Published (\d+) marts to (\S+)(?: and \S+)? \(build ([0-9a-f]{8}), as of 2024-03-15\)\."
KEPT_LINE = r"Readers keep the marts of 2024-03-15 \(build {}\)\."


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core marts with months alone, and of data tests those of their keys and one more."""
    project = lean_project(tmp_path_factory.mktemp("lean"), MARTS)
    grains = project / "seeds" / "reference" / "period_grains.csv"
    lines = grains.read_text().splitlines(keepends=True)
    grains.write_text("".join(line for line in lines if line.startswith(("period_grain", "month"))))
    leave_out_guard(project)
    with open(project / "dbt_project.yml", "a") as file:
        file.write("\ndata_tests:\n  +enabled: false\n")
    key_test = "- unique_combination: {"
    for path in (project / "models" / "marts").rglob("*.yml"):
        said = path.read_text()
        assert said.count(key_test) == said.count("unique_combination"), f"{path.name} says a key in another way"
        path.write_text(said.replace(key_test, f"{key_test}config: {{enabled: true}}, "))
    (project / "tests" / "mallory_is_no_customer.sql").write_text(
        "{{ config(enabled = true) }}\nselect * from {{ ref('mrr_movements') }} where customer_id = 'mallory'\n"
    )
    return project


class Company:
    """Two customers who pay 10 a month, from January 2024 on, and the builds of their marts."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder, self.project = folder, project
        self.marts = folder / "marts.duckdb"
        self.variables: dict[str, Any] = {"as_of_date": "2024-03-15", "segments": []}
        self.write()

    def write(self, price: str = "10", ended_at: str = "", customers: tuple[str, ...] = ("ada", "bob")) -> None:
        """Write the raw tables; `ended_at` is when bob leaves."""
        plan = ["p", "Plan", "", "", price, "USD", "month", "1"]
        starts = ["2024-01-10", "2024-01-15", "2024-01-15"]
        rows: dict[str, list[list[str]]] = {
            "customers": [[name, start, "", ""] for name, start in zip(customers, starts)],
            "plans": [plan],
            "subscriptions": [
                ["s-" + name, name, "p", "active", "1", "0", start, ended_at if name == "bob" else "", "", ""]
                for name, start in zip(customers, starts)
            ],
            "orders": [],
            "activity": [],
        }
        raw = {
            table: (columns, [dict(zip(columns, row)) for row in rows[table]]) for table, columns in RAW_COLUMNS.items()
        }
        self.variables["raw_location"] = write_raw(self.folder, raw)

    def options(self, **environment: str) -> dict[str, Any]:
        return {"variables": self.variables, "cwd": self.project, **environment}

    def dbt(self, *arguments: str, **environment: str) -> Build:
        return dbt(self.folder, *arguments, **self.options(**environment))

    def build(self, **environment: str) -> str:
        """A build that must be published: the first digits of its id."""
        finished = self.dbt("build", **environment)
        assert finished.returncode == 0, finished.output[-6000:]
        line = re.search(PUBLISHED_LINE, finished.output)
        assert line, finished.output[-6000:]
        return line.group(3)

    def start(self, log: TextIO, **environment: str) -> subprocess.Popen[str]:
        """A build that goes on beside the test; what it prints goes to the file `log`."""
        return subprocess.Popen(
            **dbt_process(self.folder, "build", **self.options(**environment)),
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published file, whose marts the query calls `m.<mart>`."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.marts}' as readers (read_only)")
            return connection.execute(sql.replace("m.", "readers.main.")).fetchall()

    def files(self) -> list[str]:
        """What is beside the readers' file, under its name."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("marts.duckdb"))


@pytest.fixture
def company(tmp_path: Path, lean: Path) -> Company:
    return Company(tmp_path, lean)


def read_once(python: Path | str, file: Path) -> str:
    finished = subprocess.run([python, READER, file], capture_output=True, text=True)
    assert finished.stdout.startswith("read "), finished.stdout + finished.stderr
    return finished.stdout.split()[1]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> bool:
    """Wait until the condition holds or the process has ended: whether it holds. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    raise TimeoutError


def test_a_build_that_passed_is_published(company: Company) -> None:
    parquet = company.folder / "parquet"
    build_id = company.build(RETENTION_PARQUET=str(parquet))
    assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]
    assert read_once(sys.executable, company.marts).startswith(build_id)

    published = company.query(
        "select mart, row_count, published_at, dbt_version, duckdb_version, currency, vars from m.published"
    )
    rows = {mart: count for mart, count, *_ in published}
    assert rows.keys() == set(MARTS)
    assert (rows["mrr_movements"], rows["periods"], rows["build_changes"]) == (2, 3, 0)
    assert len({row[2:] for row in published}) == 1
    assert published[0][4:6] == (duckdb.__version__, "USD")
    given = json.loads(published[0][6])
    assert given.keys() == yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"].keys()
    assert (given["as_of_date"], given["segments"], given["gross_margin"]) == ("2024-03-15", [], 1)

    without = company.query(
        """
        select table_name, null from duckdb_tables() where database_name = 'readers' and coalesce(comment, '') = ''
        union all
        select table_name, column_name
        from duckdb_columns() where database_name = 'readers' and coalesce(comment, '') = ''
        """
    )
    assert without == []

    current = parquet / "current"
    assert current.is_symlink() and sorted(path.name for path in parquet.iterdir()) == [
        ".lock", current.resolve().name, "current"
    ]  # fmt: skip
    assert {path.stem for path in current.iterdir()} == {*rows, "published"}
    for mart in [*rows, "published"]:
        differences = f"(from m.{mart} except all from '{current}/{mart}.parquet')"
        assert company.query(f"select count(*) from {differences}") == [(0,)]


def test_a_reader_with_duckdb_1(company: Company) -> None:
    if not OTHER_PYTHON.exists():
        pytest.skip("no DuckDB 1.x here: make lint makes the environment .venv-lint, which has one")
    build_id = company.build()
    assert read_once(OTHER_PYTHON, company.marts).startswith(build_id)


def test_nothing_else_is_published(company: Company) -> None:
    nothing_yet = company.dbt("build", "--select", "mrr_movements")
    assert re.search(r"Not published: .* Readers have no marts yet\.", nothing_yet.output)
    assert company.files() == ["marts.duckdb.lock"]

    kept = KEPT_LINE.format(company.build())
    before = company.marts.read_bytes()
    leftovers = [company.folder / "marts.duckdb.new", company.folder / "marts.duckdb.new.wal"]
    for path in leftovers:
        path.write_text("of a killed build")

    selected = company.dbt("build", "--select", "mrr_movements")
    assert selected.returncode == 0
    assert re.search(r"Not published: a selection was built, \d+ of \d+ nodes\. " + kept, selected.output)
    assert not any(path.exists() for path in leftovers)

    quiet = company.dbt("build", "--select", "mrr_movements", "--quiet")
    assert re.fullmatch(r"Not published: a selection was built, \d+ of \d+ nodes\. " + kept, quiet.output.strip())
    unattended = company.dbt("build", "--select", "mrr_movements", RETENTION_MUST_PUBLISH="1")
    assert unattended.returncode == 1
    assert re.search(r"Not published: a selection was built, \d+ of \d+ nodes\. " + kept, unattended.output)

    empty = company.dbt("build", "--empty")
    assert re.search(r"Not published: a build with --empty .* " + kept, empty.output)

    company.write(customers=("ada", "mallory"))
    failed = company.dbt("build")
    assert failed.returncode == 1
    assert re.search(r"Not published: 1 node failed .*\(mallory_is_no_customer\)\. " + kept, failed.output)
    singular = company.project / "tests" / "mallory_is_no_customer.sql"
    wrong = singular.read_text()
    singular.write_text(wrong.replace("mallory", "eve"))
    retried = company.dbt("retry")
    singular.write_text(wrong)
    assert retried.returncode == 0, retried.output[-3000:]
    line = r"Not published: dbt retry built 1 of \d+ nodes, the others may have read other files\. Run the whole dbt "
    assert re.search(line + r"build once more\. " + kept, retried.output)
    company.write()

    (company.folder / "orders.csv").unlink()
    failed = company.dbt("build")
    assert failed.returncode == 1
    line = r"Not published: \d+ nodes failed or were skipped \(stg_orders, .*\)\. " + kept
    assert re.search(line, failed.output)

    company.write()
    mended = company.dbt("retry")
    assert mended.returncode == 1
    line = r"Not published: .*\. dbt retry reads no CSV file again: run the whole dbt build once more\. " + kept
    assert re.search(line, mended.output)

    for command in ("run", "test"):
        other = company.dbt(command)
        assert other.returncode == 0, other.output[-3000:]
        assert re.search(f"Not published: dbt {command} does not publish, dbt build does\\. {kept}", other.output)
    other = company.dbt("show", "--select", "periods")
    assert other.returncode == 0 and "ublished" not in other.output
    assert company.marts.read_bytes() == before
    assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]


def test_one_build_at_a_time_and_an_interrupted_one(company: Company) -> None:
    company.build()
    lock = company.folder / "warehouse.duckdb.lock"
    with open(company.folder / "log", "w+") as log:
        process = company.start(log)
        assert wait_for(lambda: f"process {process.pid}" in lock.read_text(), process)
        process.send_signal(signal.SIGSTOP)  # it shall not end before the second has come
        second = company.dbt("build")
        process.send_signal(signal.SIGCONT)
        assert second.returncode != 0, second.output[-3000:]
        holder = rf"dbt build \(process {process.pid}, since"
        sentence = rf"Another process is at work on {company.folder}/warehouse\.duckdb: {holder}"
        assert len(re.findall(sentence, second.output)) == 1
        assert process.wait() == 0
        log.seek(0)
        assert re.search(PUBLISHED_LINE, log.read())

    kept = KEPT_LINE.format(company.build())
    with open(company.folder / "log", "w+") as log:
        process = company.start(log)
        assert wait_for(lambda: " OK created " in (company.folder / "log").read_text(), process)
        process.send_signal(signal.SIGINT)
        assert process.wait() != 0
        log.seek(0)
        assert re.search(r"Not published: the build was interrupted\. " + kept, log.read())
    company.build()


def test_a_process_that_has_the_warehouse_may_open_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import lock_warehouse

    path = str(tmp_path / "warehouse.duckdb")
    other = f"from plugins.publication import lock_warehouse; lock_warehouse({path!r})"

    def another_process() -> str:
        return subprocess.run([sys.executable, "-c", other], cwd=ROOT, capture_output=True, text=True).stderr

    locks = lock_warehouse(path), lock_warehouse(path)
    for lock in locks:
        assert f"(process {os.getpid()}, since" in another_process()
        lock.release()
    assert another_process() == ""


def test_a_target_that_cannot_be_written(company: Company) -> None:
    nowhere = company.folder / "nowhere" / "marts.duckdb"
    refused = company.dbt("build", RETENTION_MARTS=str(nowhere))
    assert refused.returncode != 0
    sentence = f"Nothing can be published: {nowhere} cannot be written (there is no folder {nowhere.parent})."
    assert sentence in refused.output
    assert not nowhere.parent.exists()
    assert " OK created " not in refused.output

    same = company.dbt("build", RETENTION_MARTS=str(company.folder / "warehouse.duckdb"))
    assert same.returncode != 0 and "RETENTION_MARTS and RETENTION_WAREHOUSE are the same file" in same.output


def test_a_full_disk(company: Company) -> None:
    disk = company.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: that takes root")
    try:
        company.marts = disk / "marts.duckdb"
        kept = KEPT_LINE.format(company.build(RETENTION_MARTS=str(company.marts)))
        before = company.marts.read_bytes()
        with contextlib.suppress(OSError), open(disk / "others", "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        full = company.dbt("build", RETENTION_MARTS=str(company.marts))
        assert full.returncode != 0
        assert re.search(r"Not published: .*marts\.duckdb cannot be written \(.*\)\. " + kept, full.output)
        assert company.marts.read_bytes() == before
        assert sorted(path.name for path in disk.iterdir()) == ["marts.duckdb", "marts.duckdb.lock", "others"]
    finally:
        subprocess.run(["umount", disk], check=True)


CHANGED = """
    select * exclude (period_grain, segment, segment_value, further_key, changed_settings)
    from m.build_changes
    where mart in ('mrr_churn_by_period', 'retention_by_period', 'clv_by_period', 'retention_by_cohort')
        or (mart = 'customer_churn_by_period' and column_name in (
            'opening_customers', 'churned_customers', 'closing_customers', 'churn_rate'
        ))
    order by all
"""


def test_changes_of_published_numbers(company: Company) -> None:
    company.build()
    assert company.query(CHANGED) == []
    company.build()
    assert company.query(CHANGED) == []

    company.write(ended_at="2024-02-10")  # bob had left in February
    finished = company.dbt("build")
    count, restated = company.query("select count(*), count(*) filter (where was_complete) from m.build_changes")[0]
    line = f"{count} published numbers changed, {restated} of complete periods: see build_changes_by_month."
    assert line in finished.output
    assert company.query("select distinct period_grain, segment, segment_value from m.build_changes") == [
        ("month", "all", "all")
    ]
    february: dict[str, list[tuple[str | None, ...]]] = {
        "customer_churn_by_period": [
            ("churn_rate", "0.0", "0.5"), ("churned_customers", "0", "1"), ("closing_customers", "2", "1")
        ],
        "mrr_churn_by_period": [
            ("churned_mrr", "0.000000", "10.000000"), ("churned_new_customer_mrr", "0.000000", "10.000000"),
            ("closing_mrr", "20.000000", "10.000000"), ("gross_mrr_churn_rate", "0.0", "0.5"),
            ("mrr_churn_rate", "0.0", "0.5"), ("net_mrr_churn_rate", "0.0", "0.5"),
            ("net_new_mrr", "0.000000", "-10.000000"), ("quick_ratio", None, "0.0"),
        ],
        "retention_by_period": [
            ("gross_revenue_retention", "1.0", "0.5"), ("net_revenue_retention", "1.0", "0.5"),
            ("retained_customers", "2", "1"), ("retained_mrr", "20.000000", "10.000000"),
            ("retention_rate", "1.0", "0.5"),
        ],
        "clv_by_period": [("churn_rate", "0.0", "0.5"), ("subscription_clv", None, "20.000000")],
    }  # fmt: skip
    march: dict[str, list[tuple[str | None, ...]]] = {
        "customer_churn_by_period": [("closing_customers", "2", "1"), ("opening_customers", "2", "1")],
        "mrr_churn_by_period": [
            ("closing_mrr", "20.000000", "10.000000"), ("opening_mrr", "20.000000", "10.000000")
        ],
        "retention_by_period": [
            ("opening_customers", "2", "1"), ("opening_mrr", "20.000000", "10.000000"),
            ("retained_customers", "2", "1"), ("retained_mrr", "20.000000", "10.000000"),
        ],
        "clv_by_period": [("trailing_churn_rate", "0.0", "0.5"), ("trailing_subscription_clv", None, "20.000000")],
    }  # fmt: skip
    cohort = [
        ("retained_customers", "2", "1"), ("retention_rate", "1.0", "0.5"),
        ("revenue", "20.0000000000", "10.0000000000"),
    ]  # fmt: skip
    rows = [
        (mart, None, start, None, was_complete, *change)
        for start, was_complete, changes in (("2024-02-01", True, february), ("2024-03-01", False, march))
        for mart in changes
        for change in changes[mart]
    ] + [
        ("retention_by_cohort", "subscription", "2024-01-01", age, was_complete, *change)
        for age, was_complete in ((1, True), (2, False))
        for change in cohort
    ]
    expected = {(*row[:6], *(None if value is None else Decimal(value) for value in row[6:])) for row in rows}
    found = company.query(CHANGED)
    assert {(row[0], row[1], str(row[2]), *row[3:]) for row in found} == expected
    assert len(found) == len(expected)

    months = company.query("select * from m.build_changes_by_month where mart = 'mrr_churn_by_period' order by all")
    assert months == [
        ("mrr_churn_by_period", date(2024, 2, 1), 8, 8, 8, None),
        ("mrr_churn_by_period", date(2024, 3, 1), 2, 0, 2, None),
    ]

    company.variables |= {"as_of_date": "2024-02-20", "gross_margin": 0.8}  # March is no more
    company.dbt("build")
    settings = [("gross_margin from 1 to 0.8; as_of_date from 2024-03-15 to 2024-02-20",)]
    assert company.query("select distinct changed_settings from m.build_changes") == settings
    assert company.query("select distinct changed_settings from m.build_changes_by_month") == settings
    gone = "select count(*), count(new_value) from m.build_changes where period_start_date = '2024-03-01' and "
    assert company.query(gone + "mart = 'mrr_churn_by_period'") == [(15, 0)]  # all but the ratio of nothing to nothing
    assert company.query(gone + "column_name = 'opening_mrr'") == [(2, 0)]

    company.variables["as_of_date"] = "2024-04-15"  # March is there again, and April: both are new
    finished = company.dbt("build")
    assert company.query(CHANGED) == []
    assert "No published number changed." in finished.output


def test_other_data_are_not_compared_with_the_demo(company: Company) -> None:
    demo = dbt(company.folder, "build", variables={}, cwd=company.project)
    assert demo.returncode == 0 and "Published" in demo.output, demo.output[-3000:]
    company.build()
    assert company.query("select count(*) from m.build_changes") == [(0,)]


def test_a_damaged_readers_file_counts_as_none(company: Company) -> None:
    company.build()
    whole = company.marts.read_bytes()
    company.marts.write_bytes(whole[: len(whole) // 2])
    company.write(ended_at="2024-02-10")
    finished = company.dbt("build")
    assert finished.returncode == 0, finished.output[-6000:]
    assert re.search(r"Warning: \S+ cannot be read \(.*\), so build_changes compares with nothing\.", finished.output)
    assert company.query(CHANGED) == []
    read_once(sys.executable, company.marts)


def test_three_builds_are_kept_as_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.readers_file import point_to

    for number in range(5):
        (tmp_path / f"2024010{number}").mkdir()
        point_to(tmp_path, tmp_path / f"2024010{number}")
        assert (tmp_path / "current").resolve().name == f"2024010{number}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20240102", "20240103", "20240104", "current"]


def test_equal_rows_in_any_order_are_equal_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.readers_file import PUBLISHED, write_private_copy

    written = []
    for salt in "ab":
        folder = tmp_path / salt
        folder.mkdir()
        with duckdb.connect() as connection:
            connection.execute(
                f"""
                create table computed as
                select i % 7 as number, case when i % 3 = 0 then 'n' || i end as name, i / 3 as share
                from range(300_000) as rows(i)
                order by hash(i, '{salt}')
                """
            )
            mart = {"name": "mart", "relation": "computed", "description": "A mart.", "columns": {}}
            origin = dict.fromkeys(PUBLISHED)
            write_private_copy(connection.cursor(), folder / "marts", [mart], [], origin, folder)
        written.append((folder / "mart.parquet").read_bytes())
    assert written[0] == written[1]


def changed_to(company: Company, **options: Any) -> Build:
    """A build of raw tables that restate more than the limit allows, which is not accepted."""
    company.write(**options)
    company.variables["accept_restatement"] = False
    return company.dbt("build")


def test_a_build_that_restates_too_much_is_not_published(company: Company) -> None:
    kept = KEPT_LINE.format(company.build())
    before = company.marts.read_bytes()

    refused = changed_to(company, ended_at="2024-02-10")  # of 4 customers at two month's ends one is gone
    assert refused.returncode == 1
    words = " ".join(refused.output.split())
    for sentence in (
        "Not published: this build changes complete months that readers have:",
        "closing MRR by 25.0 % (2024-02 from 20.00 to 10.00); closing customers by 25.0 % (2024-02 from 2 to 1).",
        "The var restatement_limit allows 10 %.",
        "If the new numbers are right, build once more with the var accept_restatement: true.",
    ):
        assert sentence in words
    assert re.search(kept, words)
    assert company.marts.read_bytes() == before
    # What the next build compares its rows with is what readers have.
    assert refused.query("select has_succeeded from quality.builds order by finished_at") == [{"has_succeeded": True}]

    company.variables["reporting_timezone"] = "Europe/Berlin"
    refused = company.dbt("build")
    words = " ".join(refused.output.split())
    since = "since the published build these have changed: reporting_timezone from UTC to Europe/Berlin."
    assert f"Not published: {since} This build changes complete months" in words

    company.variables["restatement_limit"] = 0.25
    company.build()
    company.write()
    company.variables |= {"restatement_limit": 0, "accept_restatement": True}
    company.build()


def test_months_that_are_gone_are_a_restatement(company: Company) -> None:
    company.write(price="1000")
    company.build()
    company.variables |= {"as_of_date": "2024-01-31", "accept_restatement": False}
    gone = " ".join(company.dbt("build").output.split())
    assert "closing MRR by 50.0 % (2024-02 from 2,000.00 to nothing)" in gone
    assert "these have changed: as_of_date from 2024-03-15 to 2024-01-31." in gone


def test_the_file_before_is_kept_and_restored(company: Company) -> None:
    parquet = company.folder / "parquet"
    previous = company.folder / "marts.previous.duckdb"
    environment = {"RETENTION_PARQUET": str(parquet)}
    restore = ("run-operation", "restore_publication")

    company.build(**environment)
    nothing = company.dbt(*restore, **environment)
    assert nothing.returncode != 0
    assert f"Nothing is restored: there is no {previous}. Readers keep the marts of 2024-03-15" in nothing.output

    company.write(price="20")
    first, second = company.query("select build_id from m.published")[0][0], company.build(**environment)
    assert read_once(sys.executable, previous) == first
    assert read_once(sys.executable, company.marts).startswith(second)

    for now, then in ((first, second), (second, first)):
        restored = company.dbt(*restore, **environment)
        assert restored.returncode == 0, restored.output
        assert f"{company.marts} holds the marts of 2024-03-15 (build {now[:8]}) again." in restored.output
        assert f"{previous} keeps the marts of 2024-03-15 (build {then[:8]})." in restored.output
        assert read_once(sys.executable, company.marts).startswith(now)
        assert read_once(sys.executable, previous).startswith(then)
        assert (parquet / "current").resolve().name.endswith(now[:8])
        succeeded = restored.query("select left(build_id, 8) as id from quality.builds where has_succeeded")
        assert succeeded == [{"id": now[:8]}]
        assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]

    previous.write_bytes(b"no database")
    assert f"Nothing is restored: {previous} cannot be read." in company.dbt(*restore, **environment).output
    assert read_once(sys.executable, company.marts).startswith(second)


def test_the_file_before_is_kept_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.readers_file import swap

    def no_link(*_: Path) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", no_link)
    for content in "abc":
        (tmp_path / "new").write_text(content)
        swap(tmp_path / "new", tmp_path / "marts.duckdb")
    assert (tmp_path / "marts.duckdb").read_text() == "c"
    assert (tmp_path / "marts.previous.duckdb").read_text() == "b"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_demo_never_replaces_marts_of_own_data(company: Company) -> None:
    kept = KEPT_LINE.format(company.build())
    before = company.marts.read_bytes()
    location = company.variables.pop("raw_location")
    for selection in ([], ["--select", "periods"]):
        refused = company.dbt("build", *selection)
        assert refused.returncode != 0
        assert " OK created " not in refused.output and " START seed " not in refused.output
        cause = r"this is a build of the bundled demo, and .* of your own data\. .*RETENTION_MARTS"
        assert re.search(f"Nothing can be published: {cause}.* {kept}", " ".join(refused.output.split()))
    assert company.marts.read_bytes() == before

    misspelt = company.dbt("build", **{"RETENTION_MARTS": str(company.folder / "demo.duckdb")})
    assert misspelt.returncode == 0, misspelt.output[-3000:]  # another file
    company.variables["raw_locaton"] = location
    misspelt = company.dbt("build")
    assert misspelt.returncode != 0
    assert "nothing reads the var 'raw_locaton'; did you mean raw_location?" in misspelt.output
    assert company.marts.read_bytes() == before


def test_a_var_that_nothing_reads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import unknown_vars

    known = list(yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"])
    project = {"vars": {"segmnts": 1, "colour": 1, "raw_schema": 1, "retention_marts": {"gross_margin": 1, "hue": 1}}}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    found = unknown_vars(["size"], known, str(tmp_path), is_root=True)
    assert [re.findall("'(.*?)'", sentence) for sentence in found] == [["size"], ["segmnts"], ["colour"], ["hue"]]
    assert "did you mean segments?" in found[1] and "There are: raw_location, " in found[2]
    found = unknown_vars(["size", "as_of_day"], known, str(tmp_path), is_root=False)
    assert [re.findall("'(.*?)'", sentence) for sentence in found] == [["as_of_day"], ["segmnts"], ["hue"]]


def test_a_warehouse_of_an_earlier_version_is_built_on(company: Company) -> None:
    company.build()
    with duckdb.connect(str(company.folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute("alter table reference.period_grains drop column period_grain")
        warehouse.execute("alter table reference.churn_reasons add column forgotten integer")
        warehouse.execute("alter table quality.builds drop column is_demo")
        warehouse.execute("alter table quality.expectation_results drop column message")
    with duckdb.connect(str(company.marts)) as marts:
        marts.execute("alter table published drop column vars")
        marts.execute("alter table published drop column currency")
        marts.execute("alter table published add column checksum varchar")
        marts.execute("alter table mrr_churn_by_period rename column quick_ratio to quickness")
    company.build()
    assert company.query(CHANGED) == []


def test_the_last_lines_of_a_build(company: Company) -> None:
    company.write(ended_at="2024-02-10")
    finished = company.dbt("build")
    lines = finished.output.split("February 2024")
    assert len(lines) == 2
    printed = [line[10:] for line in ("00:00:00  February 2024" + lines[1]).splitlines()]
    assert printed[0] == "February 2024: 2 customers, 1 left (50.0 %), MRR 10.00"
    assert re.fullmatch(PUBLISHED_LINE, printed[1])
    assert printed[2] == "Look: make board, then open board/index.html; make look has filters."
    assert printed[3].startswith("Or ask: dbt show --limit 36 --inline ")
    shown = company.dbt("show", "--inline", re.findall('"(.*)"', printed[3])[0])
    assert shown.returncode == 0 and "2024-02-01" in shown.output


def test_the_last_month_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import headlines

    with duckdb.connect() as connection:
        keys = "'month' as period_grain, start::date as period_start_date, done as is_complete"
        keys += ", 'all' as segment, 'all' as segment_value"
        connection.execute(f"""
            create table churn as select {keys}, 1234 as opening_customers, 0 as churned_customers, null as churn_rate
            from (values ('2024-01-01', false)) as months(start, done);
            create table mrr as select {keys}, 1234567.891::decimal(38, 6) as closing_mrr
            from (values ('2024-01-01', false)) as months(start, done);
            create table orders as select {keys}, 12 as orders, 99.5 as revenue
            from (values ('2023-12-01', true), ('2024-01-01', false)) as months(start, done);
        """)
        subscriptions = {"customer_churn_by_period": "churn", "mrr_churn_by_period": "mrr"}
        orders = {"repeat_purchase_by_period": "orders"}
        first = "January 2024 so far: 1,234 customers, 0 left, MRR 1,234,567.89"
        second = "December 2023: 12 orders, revenue 99.50"
        assert headlines(connection, subscriptions | orders) == ([first, second], "customer_churn_by_period")
        assert headlines(connection, orders) == ([second], "repeat_purchase_by_period")
        assert headlines(connection, {}) == ([], "")


def test_keys_of_a_mart_are_those_of_its_uniqueness_test(tmp_path: Path) -> None:
    """A mart whose key nobody has thought of when the comparison was written."""
    project = lean_project(tmp_path, ["customer_churn_by_period", "build_changes"])
    marts = project / "models" / "marts"
    columns = {
        "period_grain": "varchar", "period_start_date": "date", "is_complete": "boolean", "segment": "varchar",
        "segment_value": "varchar", "hat": "varchar", "hats": "bigint",
    }  # fmt: skip
    (marts / "hats_by_period.sql").write_text(
        "select period_grain, period_start_date, is_complete, segment, segment_value, hat,\n"
        "    cast(case when hat = 'blue' then opening_customers else 7 end as bigint) as hats\n"
        "from {{ ref('customer_churn_by_period') }} cross join (values ('blue'), ('red')) as all_hats(hat)\n"
    )
    test = {"unique_combination": {"arguments": {"columns": [name for name in columns if name[:2] != "is"][:-1]}}}
    described = [{"name": name, "data_type": type_} for name, type_ in columns.items()]
    model = {"name": "hats_by_period", "columns": described, "data_tests": [test]}
    (marts / "hats_by_period.yml").write_text(yaml.safe_dump({"models": [model]}))
    changes = next(marts.rglob("build_changes.sql"))
    changes.write_text(changes.read_text() + "\n-- depends_on: {{ ref('hats_by_period') }}\n")

    company = Company(tmp_path, project)
    company.build()
    company.write(ended_at="2024-02-10")
    company.build()
    found = company.query(
        "select distinct further_key, previous_value, new_value from m.build_changes where mart = 'hats_by_period'"
    )
    assert found == [("blue", 2, 1)]


def test_a_profile_without_the_plugins_is_told_its_lines(company: Company) -> None:
    profiles = company.folder / "profiles"
    profiles.mkdir()
    outputs: dict[str, dict[str, Any]] = {"own": {"type": "duckdb", "path": "own.duckdb"}}
    own = {"retention_marts": {"target": "own", "outputs": outputs}}
    (profiles / "profiles.yml").write_text(yaml.safe_dump(own))
    refused = company.dbt("build", DBT_PROFILES_DIR=str(profiles))
    assert refused.returncode != 0
    assert "The profile 'retention_marts', output 'own', does not load what guards and publishes" in refused.output
    told = re.search(r"( +type: duckdb\n.*?)\n +\n", refused.output, re.S)
    assert told, refused.output
    outputs["own"] = yaml.safe_load(told.group(1)) | {"settings": {"TimeZone": "Asia/Tokyo"}}
    (profiles / "profiles.yml").write_text(yaml.safe_dump(own))
    assert "or its time zone is not UTC." in company.dbt("build", DBT_PROFILES_DIR=str(profiles)).output
    outputs["own"] = yaml.safe_load(told.group(1))
    (profiles / "profiles.yml").write_text(yaml.safe_dump(own))
    company.build(DBT_PROFILES_DIR=str(profiles))

    (profiles / "profiles.yml").write_text((ROOT / "profiles.yml").read_text())
    company.build(DBT_PROFILES_DIR=str(profiles))


def test_make_passes_vars_on_and_leaves_unit_tests_out() -> None:
    given = """--vars '{"raw_location": "exports/{table}.csv"}'"""
    command = ["make", "--dry-run", "build", "docs", f"VARS={given[8:-1]}"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [line for line in printed.splitlines() if line.startswith(".venv/bin/dbt")]
    assert lines == [
        f".venv/bin/dbt build --exclude-resource-type unit_test {given}",
        f".venv/bin/dbt build --exclude-resource-type unit_test {given}",
        f".venv/bin/dbt docs generate --static {given}",
    ]


def contains(path: Path, words: str) -> bool:
    return words in path.read_text()


def kill_builds(company: Company, rounds: int, seed: int) -> tuple[dict[str, int], list[str], list[str]]:
    """Kill so many builds beside two readers: how many were killed when, and the lines that the readers printed."""
    rng = random.Random(seed)
    company.build()
    new, log_path = Path(f"{company.marts}.new"), company.folder / "log"
    kills = {"building": 0, "publishing": 0, "published": 0}
    outputs = [company.folder / f"reader{number}" for number in range(2)]
    command = [sys.executable, str(READER), str(company.marts)]
    readers = []
    for arguments, path in zip((["0.2"], ["0.5", "keep"]), outputs):
        with open(path, "w") as output:
            readers.append(subprocess.Popen([*command, *arguments], stdout=output))
    try:
        price = 10
        while sum(kills.values()) < rounds:
            price += 1
            company.write(price=str(price))
            with open(log_path, "w+") as log:
                process = company.start(log)
                if price % 2:  # at some node
                    if wait_for(partial(contains, log_path, f" {rng.randint(1, 37)} of "), process):
                        time.sleep(rng.uniform(0, 0.3))
                elif wait_for(new.exists, process):  # at some moment of the publication
                    time.sleep(rng.choice([0, 0.01, 0.1, 0.3]) * rng.random())
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if process.wait() == -signal.SIGKILL:
                    log.seek(0)
                    done = "Published" in log.read()
                    kills["publishing" if new.exists() else "published" if done else "building"] += 1
        company.build()
        assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]
        time.sleep(1)
        assert [reader.poll() for reader in readers] == [None, None]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    reopened, kept = (path.read_text().splitlines()[:-1] for path in outputs)
    return kills, reopened, kept


def test_kills_at_any_moment(tmp_path: Path, lean: Path) -> None:
    companies = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        companies.append(Company(tmp_path / str(number), lean))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(kill_builds, companies, [(KILLS + 1) // 2] * 2, (1, 2)))
    for kills, reopened, kept in results:
        builds = {line.split()[1] for line in reopened if line.startswith("read ")}
        polls = f"the reader that reopens polled {len(reopened)} times and saw {len(builds)} builds"
        print(f"\nkilled {kills}; {polls}; the one that keeps its handle polled {len(kept)} times")
        assert [line for line in reopened + kept if not line.startswith("read ")] == []
        assert len(set(kept)) == 1 and len(kept) > 20 and len(reopened) > 50
        assert kills["publishing"] >= KILLS / 12 and kills["building"] >= KILLS / 12
