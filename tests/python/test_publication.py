"""Readers see the marts of whole builds that passed: whatever fails, is interrupted or killed, and whoever looks on."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from conftest import RAW_COLUMNS, ROOT, dbt, dbt_process, lean_project, write_raw

MARTS = [
    "customer_churn_by_period", "mrr_churn_by_period", "retention_by_period", "retention_by_cohort", "clv_by_period",
    "repeat_purchase_by_period", "mrr_movements", "periods", "data_quality", "build_changes",
]  # fmt: skip
READER = Path(__file__).with_name("reader.py")
OTHER_PYTHON = ROOT / ".venv-lint" / "bin" / "python"  # the linters' environment has a DuckDB 1.x
KILLS = int(os.environ.get("KILLS", "40"))
PUBLISHED_LINE = r"Published (\d+) marts to (\S+)(?: and \S+)? \(build ([0-9a-f]{8}), as of 2024-03-15\)\."
KEPT_LINE = r"Readers keep the marts of 2024-03-15 \(build {}\)\."


@pytest.fixture(scope="module")
def lean(tmp_path_factory):
    """The core marts with months alone, and with one data test instead of all."""
    project = lean_project(tmp_path_factory.mktemp("lean"), MARTS)
    grains = project / "seeds" / "reference" / "period_grains.csv"
    lines = grains.read_text().splitlines(keepends=True)
    grains.write_text("".join(line for line in lines if line.startswith(("period_grain", "month"))))
    with open(project / "dbt_project.yml", "a") as file:
        file.write("\ndata_tests:\n  +enabled: false\n")
    (project / "tests" / "mallory_is_no_customer.sql").write_text(
        "{{ config(enabled = true) }}\nselect * from {{ ref('mrr_movements') }} where customer_id = 'mallory'\n"
    )
    return project


class Company:
    """Two customers who pay 10 a month, from January 2024 on, and the builds of their marts."""

    def __init__(self, folder, project):
        self.folder, self.project = folder, project
        self.marts = folder / "marts.duckdb"
        self.variables = {"as_of_date": "2024-03-15", "segments": []}
        self.write()

    def write(self, price="10", ended_at="", customers=("ada", "bob")):
        """Write the raw tables; `ended_at` is when bob leaves."""
        plan = ["p", "Plan", "", "", price, "USD", "month", "1"]
        starts = ["2024-01-10", "2024-01-15", "2024-01-15"]
        rows = {
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

    def options(self, **environment):
        return {"variables": self.variables, "cwd": self.project, **environment}

    def dbt(self, *arguments, **environment):
        return dbt(self.folder, *arguments, **self.options(**environment))

    def build(self, **environment):
        """A build that must be published: the first digits of its id."""
        finished = self.dbt("build", **environment)
        assert finished.returncode == 0, finished.output[-6000:]
        line = re.search(PUBLISHED_LINE, finished.output)
        assert line, finished.output[-6000:]
        return line.group(3)

    def start(self, log, **environment):
        """A build that goes on beside the test; what it prints goes to the file `log`."""
        return subprocess.Popen(
            **dbt_process(self.folder, "build", **self.options(**environment)),
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def query(self, sql):
        """Rows of the published file, whose marts the query calls `m.<mart>`."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.marts}' as readers (read_only)")
            return connection.execute(sql.replace("m.", "readers.main.")).fetchall()

    def files(self):
        """What is beside the readers' file, under its name."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("marts.duckdb"))


@pytest.fixture
def company(tmp_path, lean):
    return Company(tmp_path, lean)


def read_once(python, file):
    finished = subprocess.run([python, READER, file], capture_output=True, text=True)
    assert finished.stdout.startswith("read "), finished.stdout + finished.stderr
    return finished.stdout.split()[1]


def wait_for(condition, process, seconds=120):
    """Wait until the condition holds or the process has ended: whether it holds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    raise TimeoutError


def test_a_build_that_passed_is_published(company):
    parquet = company.folder / "parquet"
    build_id = company.build(RETENTION_PARQUET=str(parquet))
    assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]
    assert read_once(sys.executable, company.marts).startswith(build_id)

    published = company.query("select mart, row_count, published_at, dbt_version, duckdb_version from m.published")
    rows = {mart: count for mart, count, *_ in published}
    assert rows.keys() == set(MARTS)
    assert (rows["mrr_movements"], rows["periods"], rows["build_changes"]) == (2, 3, 0)
    assert len({row[2:] for row in published}) == 1
    assert published[0][4] == duckdb.__version__

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


def test_a_reader_with_duckdb_1(company):
    if not OTHER_PYTHON.exists():
        pytest.skip("no DuckDB 1.x here: make lint makes the environment .venv-lint, which has one")
    build_id = company.build()
    assert read_once(OTHER_PYTHON, company.marts).startswith(build_id)


def test_nothing_else_is_published(company):
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
    assert re.search(r"Not published: a selection was built, 2 of \d+ nodes\. " + kept, selected.output)
    assert not any(path.exists() for path in leftovers)

    no_seeds = company.dbt("build", "--exclude-resource-type", "unit_test")
    assert re.search(r"Not published: a flag has left out a part of the project\. " + kept, no_seeds.output)

    empty = company.dbt("build", "--empty")
    assert re.search(r"Not published: a build with --empty .* " + kept, empty.output)

    company.write(customers=("ada", "mallory"))
    failed = company.dbt("build")
    assert failed.returncode == 1
    assert re.search(r"Not published: 1 node failed .*\(mallory_is_no_customer\)\. " + kept, failed.output)
    company.write()

    (company.folder / "orders.csv").unlink()
    failed = company.dbt("build")
    assert failed.returncode == 1
    line = r"Not published: \d+ nodes failed or were skipped \(raw_file_orders, .*\)\. " + kept
    assert re.search(line, failed.output)

    for command in ("run", "show"):
        other = company.dbt(command, "--select", "periods")
        assert other.returncode == 0 and "ublished" not in other.output
    assert company.marts.read_bytes() == before
    assert company.files() == ["marts.duckdb", "marts.duckdb.lock"]


def test_one_build_at_a_time_and_an_interrupted_one(company):
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


def test_a_process_that_has_the_warehouse_may_open_it_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import lock, lock_warehouse, unlock_warehouse

    path = str(tmp_path / "warehouse.duckdb")
    first, second = lock_warehouse(path), lock_warehouse(path)
    for descriptor in (first, second):
        assert lock(f"{path}.lock") is None  # opened anew, as another process would
        unlock_warehouse(path, descriptor)
    os.close(lock(f"{path}.lock"))


def test_a_target_that_cannot_be_written(company):
    nowhere = company.folder / "nowhere" / "marts.duckdb"
    refused = company.dbt("build", RETENTION_MARTS=str(nowhere))
    assert refused.returncode != 0
    assert f"Nothing can be published: {nowhere}.lock cannot be written (No such file or directory)." in refused.output
    assert " OK created " not in refused.output

    same = company.dbt("build", RETENTION_MARTS=str(company.folder / "warehouse.duckdb"))
    assert same.returncode != 0 and "RETENTION_MARTS and RETENTION_WAREHOUSE are the same file" in same.output


def test_a_full_disk(company):
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
    select * exclude (period_grain, segment, segment_value, further_key)
    from m.build_changes
    where mart in ('mrr_churn_by_period', 'retention_by_period', 'clv_by_period', 'retention_by_cohort')
        or (mart = 'customer_churn_by_period' and column_name in (
            'opening_customers', 'churned_customers', 'closing_customers', 'churn_rate'
        ))
    order by all
"""


def test_changes_of_published_numbers(company):
    company.build()
    assert company.query(CHANGED) == []
    company.build()
    assert company.query(CHANGED) == []

    company.write(ended_at="2024-02-10")  # bob had left in February
    finished = company.dbt("build")
    counts = company.query("select count(*), count(*) filter (where was_complete) from m.build_changes")[0]
    assert "%d published numbers changed, %d of complete periods" % counts in finished.output
    assert company.query("select distinct period_grain, segment, segment_value from m.build_changes") == [
        ("month", "all", "all")
    ]
    february = {
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
    march = {
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
    expected = [
        (mart, None, start, None, was_complete, *change)
        for start, was_complete, changes in (("2024-02-01", True, february), ("2024-03-01", False, march))
        for mart in changes
        for change in changes[mart]
    ] + [
        ("retention_by_cohort", "subscription", "2024-01-01", age, was_complete, *change)
        for age, was_complete in ((1, True), (2, False))
        for change in cohort
    ]
    found = [(row[0], row[1], str(row[2]), *row[3:]) for row in company.query(CHANGED)]
    assert sorted(found, key=str) == sorted(expected, key=str)

    company.variables["as_of_date"] = "2024-02-20"  # March is no more
    company.dbt("build")
    gone = "select count(*), count(new_value) from m.build_changes where period_start_date = '2024-03-01' and "
    assert company.query(gone + "mart = 'mrr_churn_by_period'") == [(15, 0)]  # all but the ratio of nothing to nothing
    assert company.query(gone + "column_name = 'opening_mrr'") == [(2, 0)]

    company.variables["as_of_date"] = "2024-04-15"  # March is there again, and April: both are new
    company.dbt("build")
    assert company.query(CHANGED) == []


def test_other_data_are_not_compared_with_the_demo(company):
    demo = dbt(company.folder, "build", variables={}, cwd=company.project)
    assert demo.returncode == 0 and "Published" in demo.output, demo.output[-3000:]
    company.build()
    assert company.query("select count(*) from m.build_changes") == [(0,)]


def test_a_damaged_readers_file_counts_as_none(company):
    company.build()
    whole = company.marts.read_bytes()
    company.marts.write_bytes(whole[: len(whole) // 2])
    company.write(ended_at="2024-02-10")
    finished = company.dbt("build")
    assert finished.returncode == 0, finished.output[-6000:]
    assert re.search(r"Warning: \S+ cannot be read \(.*\), so build_changes compares with nothing\.", finished.output)
    assert company.query(CHANGED) == []
    read_once(sys.executable, company.marts)


def test_three_builds_are_kept_as_parquet(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import point_to

    for number in range(5):
        (tmp_path / f"2024010{number}").mkdir()
        point_to(tmp_path, tmp_path / f"2024010{number}")
        assert (tmp_path / "current").resolve().name == f"2024010{number}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20240102", "20240103", "20240104", "current"]


def test_equal_rows_in_any_order_are_equal_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from plugins.publication import write_private_copy

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
            write_private_copy(connection.cursor(), folder / "marts", [mart], "id", "2024-01-01", False, folder)
        written.append((folder / "mart.parquet").read_bytes())
    assert written[0] == written[1]


def kill_builds(company, rounds, seed):
    """Kill so many builds beside two readers: how many were killed when, and the lines that the readers printed."""
    rng = random.Random(seed)
    company.build()
    new, log_path = Path(f"{company.marts}.new"), company.folder / "log"
    kills = {"building": 0, "publishing": 0, "published": 0}
    outputs = [open(company.folder / f"reader{number}", "w+") for number in range(2)]
    command = [sys.executable, str(READER), str(company.marts)]
    readers = [
        subprocess.Popen([*command, *arguments], stdout=output)
        for arguments, output in zip((["0.2"], ["0.5", "keep"]), outputs)
    ]
    try:
        price = 10
        while sum(kills.values()) < rounds:
            price += 1
            company.write(price=str(price))
            with open(log_path, "w+") as log:
                process = company.start(log)
                if price % 2:  # at some node
                    reached = f" {rng.randint(1, 37)} of "
                    if wait_for(lambda: reached in log_path.read_text(), process):
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
    lines = []
    for output in outputs:
        output.seek(0)
        lines.append(output.read().splitlines()[:-1])
        output.close()
    return kills, *lines


def test_kills_at_any_moment(tmp_path, lean):
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
