"""The same company on DuckDB, PostgreSQL and Spark: python benchmarks/engines.py [<customers>,...] [<engine> ...]

By default 100,000 and 300,000 customers, ten orders each, on all three. Seeds and models are built, no test; all marts
must be DuckDB's, or the benchmark ends with 1. Prints a table. It is run by .venv/bin/python and needs .venv-postgres
and .venv-spark, a PostgreSQL server's programs and Java. RETENTION_SPARK_MASTER and the like are passed on, so that
Spark may be a cluster.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from bench import DATA, ROOT, company
from report import markdown

sys.path.insert(0, str(ROOT / "tests" / "python"))
from conftest import dbt
from other_engines import Engine, Postgres, Spark, missing, postgres_server, unequal

MODELS = ("build", "--resource-type", "seed", "model")
MEMORY = {"shared_buffers": "1GB", "work_mem": "128MB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB"}


def load(server: Postgres, raw: Path) -> None:
    """Put a company's Parquet files into the schema billing."""
    script = ["create schema billing;"]
    for path in sorted(raw.glob("*.parquet")):
        file = DATA / f"{path.stem}.copy"
        with duckdb.connect() as connection:
            columns = connection.execute(f"describe from '{path}'").fetchall()
            connection.execute(f"copy (from '{path}') to '{file}' (format csv, header false)")
        types = ", ".join(f"{name} {type_}" for name, type_, *_ in columns)
        script.append(f"create table billing.{path.stem} ({types});")
        script.append(f"\\copy billing.{path.stem} from '{file}' (format csv)")
    server.psql("\n".join(script) + "\nanalyze;")


def built(engine: Engine, folder: Path, **variables: str) -> float:
    """The seconds of a build of seeds and models. Raises SystemExit where it fails."""
    start = time.perf_counter()
    finished = engine.dbt(folder, *MODELS, variables=variables)
    if finished.returncode:
        sys.exit(finished.output[-3000:])
    return time.perf_counter() - start


def measure(customers: int, engines: list[str]) -> list[Any]:
    """A row of the table: rows of the raw tables, seconds per engine. Raises SystemExit where marts differ."""
    raw = company(customers, 10 * customers, 6)
    location = {"raw_location": f"{raw}/{{table}}.parquet"}
    folder = DATA / f"engines_{customers}"
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    reference = dbt(folder, *MODELS, variables=location)
    seconds = [time.perf_counter() - start]
    if reference.returncode:
        sys.exit(reference.output[-3000:])
    for name in engines:
        if name == "postgres":
            with postgres_server(**MEMORY) as server:
                load(server, raw)
                seconds.append(built(server, folder / name, raw_schema="billing"))
                found = unequal(reference.warehouse, server.fetch(folder, "marts"))
        else:
            given = {key: value for key, value in os.environ.items() if key.startswith("RETENTION_SPARK_")}
            place = {"RETENTION_SPARK_WAREHOUSE": str(folder / "spark"), "RETENTION_SPARK_CATALOG": "in-memory"}
            spark = Spark("spark", {**place, **given})
            spark.empty()
            seconds.append(built(spark, folder / name, **location))
            found = unequal(reference.warehouse, spark.fetch(folder, "marts.db"))
        print(f"{customers:,} customers, {name}: {seconds[-1]:.0f} s, DuckDB {seconds[0]:.0f} s", flush=True)
        if found:
            sys.exit(f"{name}: {found}")
    return [f"{customers:,}", *(f"{value:,.0f} ({1e6 * value / (11 * customers):.0f})" for value in seconds)]


def main(arguments: list[str]) -> None:
    """Measure and print. Raises SystemExit where something is missing, a build fails or marts differ."""
    named: list[str] = [name for name in ("postgres", "spark") if name in arguments]
    engines = named or ["postgres", "spark"]
    sizes = [word for word in arguments if word[0].isdigit()] or ["100000,300000"]
    for reason in filter(None, map(missing, engines)):
        sys.exit(reason)
    rows = [measure(int(size), engines) for size in sizes[0].split(",")]
    print(markdown(["customers", "DuckDB", *engines], rows))
    print("Seconds, and in brackets those per million raw customers and orders.")


if __name__ == "__main__":
    main(sys.argv[1:])
