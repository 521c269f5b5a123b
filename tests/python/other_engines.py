"""The marts of other engines beside DuckDB's: starts a server where one is needed, builds, fetches and compares.

`python tests/python/other_engines.py` builds the demo, the real data sets and two random companies on all: see main.
"""

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from conftest import (
    ABOUT_THE_BUILD,
    RAW_COLUMNS,
    ROOT,
    SHARED_DATA,
    Build,
    dbt,
    dbt_process,
    free_port,
    inherited,
    write_raw,
)
from random_company import company
from test_real_data import AS_OF_DATES

BUILD = ("build", "--exclude-resource-type", "unit_test")
Raw = dict[str, tuple[list[str], list[dict[str, str]]]]


def missing(engine: str) -> str:
    """What is missing to build on an engine, as a sentence; '' where nothing is."""
    if not (ROOT / f".venv-{engine}" / "bin" / "dbt").exists():
        return f"there is no .venv-{engine}: make .venv-{engine}/{engine}"
    if engine == "postgres" and not server_program("initdb"):
        return "there is no PostgreSQL server: apt-get install postgresql"
    if engine == "spark" and not shutil.which("java"):
        return "there is no Java: apt-get install openjdk-17-jre-headless"
    return ""


def server_program(name: str) -> str:
    """The path of a program of the PostgreSQL server, '' where there is none; Debian has them outside of PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name) or ""


@dataclass
class Engine:
    """An engine to build on: the dbt target, and the environment that dbt needs for it."""

    target: str
    environment: dict[str, str]

    def process(self, folder: Path, *arguments: str, **options: Any) -> dict[str, Any]:
        """What subprocess needs to run dbt on this engine: see dbt_process."""
        options = {**self.environment, **options}
        process = dbt_process(folder, *arguments, "--target", self.target, **options)
        process["args"][0] = str(ROOT / f".venv-{self.target.split('_')[0]}" / "bin" / "dbt")
        return process

    def dbt(self, folder: Path, *arguments: str, **options: Any) -> Build:
        """Run dbt on this engine."""
        finished = subprocess.run(**self.process(folder, *arguments, **options), capture_output=True)
        return Build(finished.returncode, finished.stdout + finished.stderr, folder)


class Postgres(Engine):
    """A PostgreSQL server and one of its databases."""

    def database(self, name: str) -> "Postgres":
        """A new database of the server."""
        self.psql(f"create database {name}")
        return Postgres(self.target, {**self.environment, "RETENTION_POSTGRES_DATABASE": name})

    def command(self) -> list[str]:
        """The client, without its query."""
        environment = self.environment
        return [
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
            "--host", environment["RETENTION_POSTGRES_HOST"], "--port", environment["RETENTION_POSTGRES_PORT"],
            "--username", environment["RETENTION_POSTGRES_USER"], environment["RETENTION_POSTGRES_DATABASE"],
        ]  # fmt: skip

    def connection(self, application: str) -> subprocess.Popen[bytes]:
        """A client of this name that is connected and idle, until it is killed."""
        environment = {**os.environ, "PGAPPNAME": application}
        client = subprocess.Popen(self.command(), env=environment, stdin=subprocess.PIPE)
        while self.psql(f"select count(*) from pg_stat_activity where application_name = '{application}'") == "0":
            assert client.poll() is None
        return client

    @contextlib.contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """A table that everybody may read and nobody write to."""
        client = subprocess.Popen(self.command(), stdin=subprocess.PIPE, text=True)
        assert client.stdin
        try:
            client.stdin.write(f"begin; lock table {table} in share mode;\n")
            client.stdin.flush()
            while (
                self.psql(f"select count(*) from pg_locks where relation = '{table}'::regclass and mode = 'ShareLock'")
                == "0"
            ):
                assert client.poll() is None
            yield
        finally:
            client.communicate("rollback;\n")

    def psql(self, sql: str) -> str:
        """What a query or script prints, without header and frame. Raises CalledProcessError."""
        environment = {**os.environ, "PGTZ": "UTC", "PGDATESTYLE": "ISO"}
        finished = subprocess.run(self.command(), input=sql, capture_output=True, text=True, env=environment)
        if finished.returncode:
            raise subprocess.CalledProcessError(finished.returncode, sql[:200], finished.stdout, finished.stderr)
        return finished.stdout.rstrip("\n")

    def load(self, schema: str, raw: Raw, folder: Path) -> None:
        """Put raw tables into a schema, all columns text; an empty text is a null."""
        script = [f"drop schema if exists {schema} cascade; create schema {schema};"]
        for table, (columns, rows) in raw.items():
            file = folder / f"{table}.copy"
            with open(file, "w", encoding="utf-8", newline="") as lines:
                for row in rows:
                    cells = (row.get(column) or "" for column in columns)
                    lines.write(",".join('"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells) + "\n")
            names = ", ".join(f'"{column}" text' for column in columns)
            script.append(f"create table {schema}.{table} ({names});")
            script.append(f"\\copy {schema}.{table} from '{file}' (format csv)")
        self.psql("\n".join(script))

    def fetch(self, folder: Path, schema: str = "published") -> dict[str, str]:
        """The tables of a schema, by default the published marts, as queries of DuckDB, all columns text."""
        names = self.psql(f"select table_name from information_schema.tables where table_schema = '{schema}'").split()
        script = ["set extra_float_digits = 1;"]
        for name in names:
            script.append(
                f"\\copy (select * from {schema}.{name}) to '{folder}/{name}.csv' (format csv, header, null '\\N')"
            )
        self.psql("\n".join(script))
        options = """all_varchar = true, header = true, delim = ',', quote = '"', escape = '"', nullstr = '\\N',
            allow_quoted_nulls = false"""
        return {name: f"from read_csv('{folder}/{name}.csv', {options})" for name in names}


class Spark(Engine):
    """Spark in dbt's own process, whose tables are Parquet files of a folder."""

    def empty(self) -> None:
        """Remove all tables: a catalogue in memory would find them in the way."""
        shutil.rmtree(self.environment["RETENTION_SPARK_WAREHOUSE"], ignore_errors=True)

    def load(self, schema: str, raw: Raw, folder: Path) -> None:
        """Put raw tables into a schema, all columns text; an empty text is a null. The catalogue must outlive us."""
        files = {table: str(folder / f"{table}.csv") for table in raw}
        write_raw(folder, raw)
        place = self.environment["RETENTION_SPARK_WAREHOUSE"]
        python = [str(ROOT / ".venv-spark" / "bin" / "python"), "-c", LOAD, place, schema, json.dumps(files)]
        subprocess.run(python, check=True, capture_output=True)

    def fetch(self, folder: Path, schema: str = "published_*.db") -> dict[str, str]:
        """The tables of a schema, by default the marts published last, as queries of DuckDB; read where they lie."""
        latest = max(Path(self.environment["RETENTION_SPARK_WAREHOUSE"]).glob(schema))
        return {
            folder.name: f"from read_parquet('{folder}/*.parquet')"
            for folder in latest.iterdir()
            if list(folder.glob("*.parquet"))
        }


# What another program does that loads tables into Spark's own catalogue.
LOAD = """
import json, sys
from pyspark.sql import SparkSession
place, schema, files = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
spark = (
    SparkSession.builder.enableHiveSupport()
    .config("spark.sql.warehouse.dir", place)
    .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:;databaseName={place}/catalogue;create=true")
    .config("spark.driver.extraJavaOptions", f"-Dderby.stream.error.file={place}/catalogue.log")
    .getOrCreate()
)
spark.sql(f"create schema {schema}")
for table, file in files.items():
    rows = spark.read.csv(file, header=True, escape='"', multiLine=True)
    rows.write.saveAsTable(f"{schema}.{table}")
"""


SPARK_HOME = ROOT / ".venv-spark/lib/python3.11/site-packages/pyspark"


@contextlib.contextmanager
def spark_service(log: Path, ready: str, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Spark that serves, from when its log says that it is ready, to the end."""
    with open(log, "wb") as lines:
        process = subprocess.Popen(
            [str(SPARK_HOME / "bin" / program), *arguments],
            env={**inherited(), "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1"},
            cwd=log.parent,
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while ready not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def spark_cluster(folder: Path) -> Iterator[tuple[Spark, list[subprocess.Popen[bytes]]]]:
    """A standalone cluster of two workers of one core each, and its workers."""
    port = free_port()
    web = ("--host", "127.0.0.1", "--webui-port", "0")
    deploy = "org.apache.spark.deploy"
    master = ("spark-class", f"{deploy}.master.Master", *web, "--port", port)
    worker = ("spark-class", f"{deploy}.worker.Worker", *web, "--cores", "1", "--memory", "1g")
    with contextlib.ExitStack() as stack:
        stack.enter_context(spark_service(folder / "master.log", "I have been elected leader", *master))
        workers = []
        for name in ("worker_1", "worker_2"):
            command = (*worker, "--work-dir", str(folder / name), f"spark://127.0.0.1:{port}")
            ready = "Successfully registered with master"
            workers.append(stack.enter_context(spark_service(folder / f"{name}.log", ready, *command)))
        found = spark(folder)
        found.environment["RETENTION_SPARK_MASTER"] = f"spark://127.0.0.1:{port}"
        found.environment["RETENTION_SPARK_EXECUTOR_MEMORY"] = "1g"
        yield found, workers


@contextlib.contextmanager
def spark_connect_server(folder: Path) -> Iterator[Spark]:
    """A Connect server with a catalogue and a warehouse of its own."""
    found, port = spark(folder), free_port()
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.sql.warehouse.dir": found.environment["RETENTION_SPARK_WAREHOUSE"],
        "spark.sql.catalogImplementation": found.environment["RETENTION_SPARK_CATALOG"],
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": found.environment["RETENTION_SPARK_PARTITIONS"],
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:ReservedCodeCacheSize=256m "
        + found.environment["RETENTION_SPARK_DRIVER_OPTIONS"],
        "spark.sql.ui.explainMode": "simple",
        "spark.ui.enabled": "false",
    }
    with spark_service(
        folder / "connect.log", "Spark Connect server started at", "spark-submit", "--master", "local[*]",
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
    ):  # fmt: skip
        yield Spark("spark_connect", {**found.environment, "RETENTION_SPARK_REMOTE": f"sc://127.0.0.1:{port}"})


def spark(folder: Path, catalog: str = "in-memory") -> Spark:
    """Spark that leaves nothing but a folder; with `hive` for a catalogue, its tables outlive the process."""
    environment = {
        "RETENTION_SPARK_WAREHOUSE": str(folder / "spark-warehouse"),
        "RETENTION_SPARK_CATALOG": catalog,
        # Many small queries: less time to compile, to collect garbage and to shuffle next to nothing.
        "RETENTION_SPARK_DRIVER_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "RETENTION_SPARK_PARTITIONS": "2",
    }
    found = Spark("spark", environment)
    found.empty()
    return found


# Settings of a server that may be found in the world, by which no number may change.
ODD_SETTINGS = {"timezone": "Asia/Kolkata", "datestyle": "German", "extra_float_digits": "0"}


@contextlib.contextmanager
def postgres_server(**settings: str) -> Iterator[Postgres]:
    """A PostgreSQL server on a port of its own that nobody outside of this machine reaches, until the end.

    It sorts texts as Germans do.
    """
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="retention_postgres_"))
    port = free_port()
    options = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
        "work_mem": "64MB", **settings,
    }  # fmt: skip
    data = folder / "data"
    as_user: dict[str, Any] = {"user": user, "check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    try:
        if user:
            shutil.chown(folder, user)
        subprocess.run(
            [
                *(
                    server_program("initdb"),
                    "--pgdata",
                    data,
                    "--username",
                    "retention",
                    "--auth",
                    "trust",
                    "--no-sync",
                ),
                *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "de"),
            ],
            **as_user,
        )
        (data / "postgresql.auto.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in options.items()))
        control = [server_program("pg_ctl"), "--pgdata", str(data), "--wait"]
        subprocess.run([*control, "--log", str(folder / "log"), "start"], **as_user)
        try:
            environment = {
                "RETENTION_POSTGRES_HOST": "127.0.0.1",
                "RETENTION_POSTGRES_PORT": port,
                "RETENTION_POSTGRES_USER": "retention",
                "RETENTION_POSTGRES_DATABASE": "postgres",
            }
            yield Postgres("postgres", environment)
        finally:
            subprocess.run([*control, "--mode", "immediate", "stop"], **as_user)
    finally:
        shutil.rmtree(folder)


def differences(warehouse: Path, tables: dict[str, str]) -> dict[str, Any]:
    """Mart -> how its rows on another engine differ from DuckDB's, '' where they do not; and rows compared, in ''.

    Values are compared as DuckDB's types: texts of them are read without a loss.
    """
    found: dict[str, Any] = {"": 0}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts = [row[0] for row in connection.execute(
            "select distinct table_name from information_schema.columns where table_schema = 'marts'"
        ).fetchall()]  # fmt: skip
        for mart in sorted(set(marts) - ABOUT_THE_BUILD):
            described = connection.execute(f"describe marts.{mart}").fetchall()
            if mart not in tables:
                found[mart] = "it is missing"
                continue
            columns = [row[0] for row in connection.execute(f"describe {tables[mart]}").fetchall()]
            if columns != [row[0] for row in described]:
                found[mart] = f"its columns are {columns}"
                continue
            casts = ", ".join(f'cast("{name}" as {type_}) as "{name}"' for name, type_, *_ in described)
            connection.execute(f"create or replace temp table other as select {casts} {tables[mart]}")
            counts = connection.execute(f"""
                select
                    (select count(*) from (from marts.{mart} except all from other)),
                    (select count(*) from (from other except all from marts.{mart})),
                    (select count(*) from other)
            """).fetchall()[0]
            found[""] += counts[2]
            found[mart] = "" if counts[:2] == (0, 0) else f"{counts[0]} rows of DuckDB, {counts[1]} of the other engine"
    return found


def unequal(warehouse: Path, tables: dict[str, str]) -> dict[str, str]:
    """The marts that differ, and how."""
    return {mart: words for mart, words in differences(warehouse, tables).items() if mart and words}


def data_sets() -> Iterator[tuple[str, Raw | None, dict[str, Any]]]:
    """Name, raw tables and vars: the demo, which has no raw tables, the real data sets and two random companies."""
    yield "demo", None, {}
    for name, as_of_date in AS_OF_DATES.items():
        raw: Raw = {}
        for path in (SHARED_DATA / name / "raw").glob("*.csv"):
            with open(path, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                raw[path.stem] = (list(reader.fieldnames or []), list(reader))
        if raw:
            yield name, raw, {"as_of_date": as_of_date}
    for seed in range(2):
        rows, settings = company(seed)
        columns = {
            table: dict.fromkeys([*RAW_COLUMNS.get(table, ()), *(key for row in rows[table] for key in row)])
            for table in rows
        }
        yield (
            f"random company {seed}",
            {table: (list(columns[table]), rows[table]) for table in rows},
            {name: value for name, value in settings.items() if name != "period_grains"},
        )


def main(asked: list[str]) -> None:
    """Build each data set on DuckDB, PostgreSQL and Spark, and compare every mart. Exits with 1 where one differs.

    What is asked, of `postgres`, `spark` and names of data sets with dashes for blanks, is done alone.
    """
    failed = False
    on = [engine for engine in ("postgres", "spark") if engine in asked] or ["postgres", "spark"]
    names = [name for name in asked if name not in on]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres_server(**ODD_SETTINGS)) if "postgres" in on else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, (name, raw, variables) in enumerate(data_sets()):
            if names and name.replace(" ", "-") not in names:
                continue
            place = folder / str(number)
            place.mkdir()
            located = {"raw_location": write_raw(place, raw)} if raw else {}
            reference = dbt(place, *BUILD, variables={**variables, **located})
            if reference.returncode:
                sys.exit(reference.output[-3000:])
            for engine in on:
                target: Postgres | Spark = spark(place)
                where = located
                if engine == "postgres" and server:
                    target = server.database(f"data_{number}")
                    if raw:
                        target.load("billing", raw, place)
                        where = {"raw_schema": "billing"}
                started = time.monotonic()
                finished = target.dbt(place / engine, *BUILD, variables={**variables, **where})
                seconds = time.monotonic() - started
                if finished.returncode:
                    failed = True
                    print(f"{name}, {engine}: the build failed\n{finished.output[-3000:]}", flush=True)
                    continue
                compared = differences(reference.warehouse, target.fetch(place))
                rows = compared.pop("")
                differing = {mart: words for mart, words in compared.items() if words}
                failed = failed or bool(differing)
                print(
                    f"{name}, {engine}: {len(compared)} marts of {rows:,} rows, {len(differing)} differ"
                    f" ({seconds:.0f} s)" + "".join(f"\n  {mart}: {words}" for mart, words in differing.items()),
                    flush=True,
                )
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
