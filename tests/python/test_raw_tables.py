"""The raw tables come from anywhere and in any order; the marts are the same."""

import csv
import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ABOUT_THE_BUILD, RAW_COLUMNS, ROOT, Build, build, copy_project, dbt, lean_project

Rows = list[dict[str, Any]]

DEMO = {table: ROOT / "seeds" / "demo" / f"raw_{table}.csv" for table in RAW_COLUMNS}
MARTS = sorted({path.stem for path in (ROOT / "models" / "marts").rglob("*.sql")} - ABOUT_THE_BUILD)
LEAN_MARTS = ["mrr_churn_by_period", "mrr_movements", "repeat_purchase_by_period"]
# How a warehouse would type the demo's columns; the others are text.
TYPES = {
    "tier": "tinyint", "price": "decimal(10, 2)", "billing_interval_count": "smallint", "quantity": "integer",
    "discount_percent": "double", "amount": "decimal(12, 2)", "refunded_amount": "decimal(12, 2)",
    "created_at": "timestamptz", "started_at": "timestamp", "ended_at": "timestamp_ms",
    "cancel_requested_at": "timestamptz", "ordered_at": "timestamp_ns", "activity_date": "date", "events": "integer",
    "date": "date", "rate": "double",
}  # fmt: skip


def contents(finished: Build) -> dict[str, Rows]:
    """The rows of all marts, sorted; those of days and weeks, most of them, are left out."""
    marts = {}
    for mart in MARTS:
        by_period = mart.endswith("_by_period") or mart in ("periods", "retention_by_cohort")
        coarse = "where period_grain not in ('day', 'week')" if by_period else ""
        marts[mart] = finished.query(f"select * from marts.{mart} {coarse} order by all")
    return marts


def checksums(finished: Build) -> Rows:
    """Of staging and some marts the number of rows and a checksum: what must be equal to the byte."""
    tables = [f"staging.stg_{table}" for table in RAW_COLUMNS] + [f"marts.{mart}" for mart in LEAN_MARTS]
    sums = [f"(select (count(*), bit_xor(hash(rows))) from {table} as rows) as {table[8:]}" for table in tables]
    return finished.query("select " + ", ".join(sums))


@pytest.fixture(scope="module")
def marts_of_demo(demo: Build) -> dict[str, Rows]:
    """The marts of the bundled demo."""
    return contents(demo)


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with some marts."""
    return lean_project(tmp_path_factory.mktemp("lean"), LEAN_MARTS)


@pytest.fixture(scope="module")
def sums_of_demo(demo: Build) -> Rows:
    """Checksums of the bundled demo."""
    return checksums(demo)


def typed_tables(connection: duckdb.DuckDBPyConnection, destination: str) -> None:
    """Run `destination` (SQL with {table} and {query}) for each demo table with warehouse types."""
    connection.execute("set TimeZone = 'UTC'")
    for table, path in DEMO.items():
        columns = ", ".join(
            f"cast(cast({column} as {'timestamp' if 'timestamp' in TYPES[column] else 'text'}) as {TYPES[column]})"
            f" as {column}"
            if column in TYPES
            else column
            for column in RAW_COLUMNS[table]
        )
        query = f"select {columns} from read_csv('{path}', all_varchar = true, header = true)"
        connection.execute(destination.format(table=table, query=query))


def test_csv_files_in_any_order_and_number_of_threads(sums_of_demo: Rows, lean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's my export"
    folder.mkdir()
    for table, path in DEMO.items():
        with open(path, newline="") as file:
            header, *rows = csv.reader(file)
        order = random.Random(1).sample(range(len(header)), len(header))
        random.Random(2).shuffle(rows)
        for part, half in enumerate((rows[::2], rows[1::2])):
            with open(folder / f"{table}_{part}.csv", "w", newline="") as file:
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerows([row[i] for i in order] + ["more"] for row in [header, *half])
    finished = build(tmp_path, {"raw_location": str(folder / "{table}_*.csv")}, "--threads", "4", cwd=lean)
    assert checksums(finished) == sums_of_demo


def test_typed_parquet_files_at_a_relative_path(
    sums_of_demo: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = lean_project(tmp_path, LEAN_MARTS)
    (project / "exports").mkdir()
    with duckdb.connect() as connection:
        typed_tables(connection, f"copy ({{query}}) to '{project}/exports/{{table}}.parquet'")
    monkeypatch.chdir(project)  # Parquet is read where it lies
    assert checksums(build(tmp_path, {"raw_location": "exports/{table}.parquet"}, cwd=project)) == sums_of_demo


def test_doubles_are_read_by_their_shortest_text(lean: Path, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        typed_tables(connection, f"copy ({{query}}) to '{tmp_path}/{{table}}.parquet'")
        connection.execute(
            f"copy (select * replace (cast(amount as double) + 20000000 as amount) from '{tmp_path}/orders.parquet')"
            f" to '{tmp_path}/orders_in_doubles.parquet'"
        )
    (tmp_path / "orders_in_doubles.parquet").rename(tmp_path / "orders.parquet")
    location = {"raw_location": str(tmp_path / "{table}.parquet"), "as_of_date": "2024-07-01"}
    selection = ["--select", "path:models/raw", "path:models/staging"]
    finished = dbt(tmp_path, "build", *selection, variables=location, cwd=lean)
    assert finished.returncode == 0, finished.output[-3000:]
    dusty = "select count(*) as orders from staging.stg_orders where amount <> round(amount, 2)"
    assert finished.query(dusty) == [{"orders": 0}]


def test_a_parquet_file_that_is_none(lean: Path, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        typed_tables(connection, f"copy ({{query}}) to '{tmp_path}/{{table}}.parquet'")
    (tmp_path / "orders.parquet").write_text("order_id,customer_id\n")
    (tmp_path / "plans.parquet").unlink()
    location = {"raw_location": str(tmp_path / "{table}.parquet"), "as_of_date": "2024-07-01"}
    finished = dbt(tmp_path, "build", "--select", "path:models/raw", variables=location, cwd=lean)
    assert finished.returncode == 1
    said = " ".join(finished.output.split())
    assert "critical: orders cannot be read:" in said and "orders.parquet is not what its name says" in said
    assert "critical: plans cannot be read: there is no file" in said
    assert "PASS guard_customers" in said


def test_tables_of_a_schema_of_the_warehouse(sums_of_demo: Rows, lean: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        typed_tables(connection, "create table loaded.{table} as {query}")
    assert checksums(build(tmp_path, {"raw_schema": "loaded"}, cwd=lean)) == sums_of_demo


@pytest.mark.parametrize(
    ("kept", "empty_marts"),
    [
        (("plans", "subscriptions"), {"repeat_purchase_by_period", "revenue_change_by_period"}),
        (
            ("orders",),
            {
                "customer_churn_by_period",
                "mrr_churn_by_period",
                "mrr_bridge_by_period",
                "retention_by_period",
                "mrr_movements",
                "trial_conversion_by_period",
                "cancellations_by_period",
                "churn_reasons_by_period",
                "plan_transitions_by_period",
                "plans",
            },
        ),
        ((), set(MARTS) - {"customers", "customer_segments"}),
    ],
    ids=["only subscriptions", "only orders", "only customers"],
)
def test_a_side_that_is_empty(
    marts_of_demo: dict[str, Rows], tmp_path: Path, kept: tuple[str, ...], empty_marts: set[str]
) -> None:
    for table, path in DEMO.items():
        text = path.read_text()
        (tmp_path / f"{table}.csv").write_text(text if table in ("customers", *kept) else text.splitlines()[0] + "\n")
    variables = {"raw_location": str(tmp_path / "{table}.csv"), "as_of_date": "2024-07-01"}
    marts = contents(build(tmp_path, variables))
    assert {mart for mart, rows in marts.items() if not rows} == empty_marts
    if "subscriptions" in kept:
        assert marts["mrr_churn_by_period"] == marts_of_demo["mrr_churn_by_period"]
    if "orders" in kept:
        assert marts["repeat_purchase_by_period"] == marts_of_demo["repeat_purchase_by_period"]


def test_activity_may_be_missing(marts_of_demo: dict[str, Rows], lean: Path, tmp_path: Path) -> None:
    """No file, or no table: the build says nothing of it, and only what tells of activity is another."""
    (tmp_path / "files").mkdir()
    (tmp_path / "tables").mkdir()
    with duckdb.connect(str(tmp_path / "tables" / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        for table in set(RAW_COLUMNS) - {"activity"}:
            shutil.copy(DEMO[table], tmp_path / f"{table}.csv")
            connection.execute(
                f"create table loaded.{table} as from read_csv('{DEMO[table]}', all_varchar = true, header = true)"
            )
    known = {"as_of_date": "2024-07-01"}  # the default, said, so that nobody asks whether the data are of today
    from_files = build(tmp_path / "files", {"raw_location": str(tmp_path / "{table}.csv"), **known})
    from_tables = build(tmp_path / "tables", {"raw_schema": "loaded", **known}, cwd=lean)
    for finished in (from_files, from_tables):  # the one warning is about orders below zero
        assert "WARN=1 ERROR=0 SKIP=0" in finished.output and "guard_orders" in finished.output
        assert "Warning in test guard_activity" not in finished.output
    assert checksums(from_files) == checksums(from_tables)
    assert from_tables.query("select * from staging.stg_activity") == []
    told = {"is_at_risk", "risk_reasons", "last_activity_on", "events_last_30_days"}
    for mart, rows in contents(from_files).items():
        assert [{name: value for name, value in row.items() if name not in told} for row in rows] == [
            {name: value for name, value in row.items() if name not in told} for row in marts_of_demo[mart]
        ], mart
    customers = from_files.query("select * from marts.customers")
    assert {(row["last_activity_on"], row["events_last_30_days"]) for row in customers} == {(None, 0)}


def test_nothing_at_all(tmp_path: Path) -> None:
    for table, columns in RAW_COLUMNS.items():
        (tmp_path / f"{table}.csv").write_text(",".join(columns) + "\n")
    marts = contents(build(tmp_path, {"raw_location": str(tmp_path / "{table}.csv")}))
    assert not any(marts.values())


SEGMENT_MARTS = ["customer_churn_by_period", "repeat_purchase_by_period", "customer_segments", "plans"]


def by_segment(finished: Build) -> dict[str, list[dict[str, Any]]]:
    """What the marts of segments hold by month, and the segments of customers."""
    return {
        mart: finished.query(
            f"select * from marts.{mart} {'where period_grain = $$month$$' if 'period' in mart else ''} order by all"
        )
        for mart in SEGMENT_MARTS
    }


def test_any_attribute_is_a_segment(tmp_path: Path) -> None:
    """Columns of raw customers, one with a blank in its name, and crossings: of the demo, files and tables alike."""
    project = lean_project(tmp_path, SEGMENT_MARTS)
    variables = {"segments": ["industry", "industry+Company_Size", "plan"], "as_of_date": "2024-07-01"}
    of_demo = by_segment(build(tmp_path / "demo", variables, cwd=project))
    segments = {row["segment"] for row in of_demo["customer_churn_by_period"]}
    assert segments == {"all", "industry", "industry+Company_Size", "plan"}
    values = {row["segment_value"] for row in of_demo["customer_segments"] if row["segment"] == "industry+Company_Size"}
    assert all(value.count(" / ") == 1 for value in values) and len(values) > 10
    totals = [row for row in of_demo["customer_churn_by_period"] if row["segment"] == "all"]
    for row in totals:
        parts = [
            part["closing_customers"]
            for part in of_demo["customer_churn_by_period"]
            if part["segment"] == "industry+Company_Size" and part["period_start_date"] == row["period_start_date"]
        ]
        assert sum(parts) == row["closing_customers"]

    for folder in ("parquet", "schema"):
        (tmp_path / folder).mkdir()
    with duckdb.connect(str(tmp_path / "schema" / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        for table, path in DEMO.items():
            query = f"select * from read_csv('{path}', all_varchar = true, header = true)"
            connection.execute(f"copy ({query}) to '{tmp_path}/parquet/{table}.parquet'")
            connection.execute(f"create table loaded.{table} as {query}")
    from_parquet = {**variables, "raw_location": str(tmp_path / "parquet" / "{table}.parquet")}
    assert by_segment(build(tmp_path / "parquet", from_parquet, cwd=project)) == of_demo
    assert by_segment(build(tmp_path / "schema", {**variables, "raw_schema": "loaded"}, cwd=project)) == of_demo


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"segments": ["tariff"]}, "customers has no column 'tariff'. There are: customer_id, created_at, country,"),
        ({"segments": ["created_at"]}, "the segment created_at has 1,500 values, more than max_segment_values, 1,000."),
    ],
)
def test_a_segment_that_cannot_be_is_refused(
    lean: Path, tmp_path: Path, variables: dict[str, Any], message: str
) -> None:
    finished = dbt(tmp_path, "build", "--exclude-resource-type", "unit_test", variables=variables, cwd=lean)
    assert finished.returncode == 1
    assert message in " ".join(finished.output.split())


def test_many_values_of_a_default_segment_are_a_warning(lean: Path, tmp_path: Path) -> None:
    finished = build(tmp_path, {"max_segment_values": 8}, cwd=lean)
    assert "the segment country has 9 values, more than max_segment_values, 8. They make" in finished.output


def test_a_further_attribute_of_plans_touches_three_sql_files(tmp_path: Path) -> None:
    project = lean_project(tmp_path, ["mrr_churn_by_period"])
    added = {
        "models/staging/stg_plans.sql": (
            "    from plans\n",
            ",\n        cast(plan_name as text) as family\n    from plans\n",
        ),
        "models/intermediate/calendar/int_plan_segments.sql": (
            "\n),\n\nrequested_segments",
            "\n    union all\n    select plan_key, 'family' as segment, family as segment_value from plans"
            "\n),\n\nrequested_segments",
        ),
        "macros/segments.sql": (
            "'billing_interval']) }}\n{%- endmacro %}\n\n{#- The requested",
            "'billing_interval', 'family']) }}\n{%- endmacro %}\n\n{#- The requested",
        ),
    }
    for path, (old, new) in added.items():
        text = (project / path).read_text()
        assert text.count(old) == 1, path
        (project / path).write_text(text.replace(old, new))
    finished = build(tmp_path, {"segments": ["family"]}, cwd=project)
    mrr = finished.query("select segment, sum(closing_mrr) as mrr from marts.mrr_churn_by_period group by segment")
    assert {row["segment"] for row in mrr} == {"all", "family"}
    assert len({row["mrr"] for row in mrr}) == 1


def test_a_grain_is_one_row_of_a_seed(lean: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(lean, project)
    with open(project / "seeds" / "reference" / "period_grains.csv", "a") as file:
        file.write("half_year,2,H,true\n")
    finished = build(tmp_path, {"fiscal_year_start_month": 4}, cwd=project)
    halves = finished.query(
        """
        select period_start_date, opening_mrr, closing_mrr
        from marts.mrr_churn_by_period
        where period_grain = 'half_year' and segment = 'all'
        order by period_start_date
        """
    )
    assert [str(row["period_start_date"])[:7] for row in halves][1:3] == ["2022-04", "2022-10"]
    quarters = {
        row["period_end_date"]: row["closing_mrr"]
        for row in finished.query("from marts.mrr_churn_by_period where period_grain = 'quarter' and segment = 'all'")
    }
    ends = finished.query(
        "from intermediate.int_date_periods where period_grain = 'half_year' and date_day = period_start_date"
    )
    for half, row in zip(halves, sorted(ends, key=lambda row: row["period_start_date"])):
        assert half["closing_mrr"] == quarters.get(row["period_end_date"], half["closing_mrr"])
    for before, after in pairwise(halves):
        assert before["closing_mrr"] == after["opening_mrr"]


def test_a_grain_that_is_removed_is_gone_everywhere(marts_of_demo: dict[str, Rows], tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy_project(project)
    seed = project / "seeds" / "reference" / "period_grains.csv"
    seed.write_text("".join(line for line in seed.open() if not line.startswith(("day", "quarter"))))
    finished = dbt(tmp_path, "build", "--exclude-resource-type", "unit_test", cwd=project)
    assert finished.returncode == 0, finished.output
    kept = {
        mart: [row for row in rows if row.get("period_grain") not in ("day", "quarter")]
        for mart, rows in marts_of_demo.items()
    }
    assert contents(finished) == kept


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"raw_location": "exports/orders.csv"}, "raw_location must be a path with {table} in it"),
        ({"raw_location": "exports/{table}.csv", "raw_schema": "raw"}, "Set raw_location or raw_schema, not both."),
        ({"segments": ["country+plan"]}, "a crossing is of columns of customers, such as country+industry"),
        ({"single_purchase_days": 0}, "single_purchase_days is a whole number >= 1, not '0'"),
        ({"as_of_date": "1.7.2024"}, "as_of_date is a date such as 2024-07-01, not '1.7.2024'"),
        ({"as_of_date": "2023-02-29"}, "as_of_date is a date such as 2024-07-01, not '2023-02-29'"),
        ({"reporting_timezone": "Europe/Berlinn"}, "reporting_timezone is a name such as Europe/Berlin"),
        ({"countable_order_statuses": "completed"}, "countable_order_statuses is a list, such as [completed]"),
        ({"fiscal_year_start_month": 13}, "fiscal_year_start_month is a whole number from 1 to 12, not '13'"),
        ({"gross_margin": "70%"}, "gross_margin is a number such as 0.8, not '70%'"),
    ],
)
def test_a_var_that_cannot_be_used_is_refused(
    lean: Path, tmp_path: Path, variables: dict[str, Any], message: str
) -> None:
    finished = dbt(tmp_path, "build", variables=variables, cwd=lean)
    assert finished.returncode != 0
    assert message in " ".join(finished.output.split())


# What a company in two currencies may deliver beside the columns that must be there.
CURRENCIES = {
    "customers": ("customer_id,created_at,country,acquisition_channel,email", "c1,2024-01-01,DE,,ann@example.com"),
    "plans": (
        "plan_id,plan_name,product,tier,price,currency,billing_interval,billing_interval_count",
        "euros,Basic,,,10.10,eur,month,1",
    ),
    "subscriptions": (
        ",".join([*RAW_COLUMNS["subscriptions"], "amount"]),
        "s1,c1,euros,active,1,0,2024-01-05 10:00:00,2024-02-20 10:00:00,,,\n"
        "s1,c1,euros,active,1,0,2024-02-20 10:00:00,,,,19.99",
    ),
    "orders": (",".join(RAW_COLUMNS["orders"]), "o1,c1,2024-02-05 12:00:00,completed,8.5,0,EUR"),
    "exchange_rates": ("currency,date,rate", "EUR,2024-01-01,1.1\nEUR,2024-02-01,0.95\neur,2024-03-01,1.05"),
}


def test_amounts_and_exchange_rates_from_files_and_from_typed_tables(lean: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "tables").mkdir()
    for table, lines in CURRENCIES.items():
        (tmp_path / f"{table}.csv").write_text("\n".join(lines) + "\n")
    with duckdb.connect(str(tmp_path / "tables" / "warehouse.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema loaded")
        for table, (header, _) in CURRENCIES.items():
            columns = ", ".join(
                f"cast({name} as {TYPES[name].replace('timestamptz', 'timestamp')}) as {name}"
                if name in TYPES
                else name
                for name in header.split(",")
            )
            source = f"read_csv('{tmp_path}/{table}.csv', all_varchar = true, header = true)"
            connection.execute(f"create table loaded.{table} as select {columns} from {source}")
    known = {"as_of_date": "2024-03-16"}
    from_files = build(tmp_path / "files", {"raw_location": str(tmp_path / "{table}.csv"), **known}, cwd=lean)
    from_tables = build(tmp_path / "tables", {"raw_schema": "loaded", **known}, cwd=lean)
    assert checksums(from_files) == checksums(from_tables)
    closings = from_tables.query(
        """
        select cast(closing_mrr as varchar) as booked, cast(closing_mrr_at_closing_rates as varchar) as at_rates,
            cast(fx_effect as varchar) as effect
        from marts.mrr_churn_by_period
        where period_grain = 'month' and segment = 'all'
        order by period_start_date
        """
    )
    assert closings == [
        {"booked": "11.110000", "at_rates": "11.110000", "effect": "0.000000"},
        {"booked": "21.989000", "at_rates": "18.990500", "effect": "-2.998500"},
        {"booked": "21.989000", "at_rates": "20.989500", "effect": "1.999000"},
    ]
    (orders,) = from_tables.query("select revenue from marts.repeat_purchase_by_period where period_grain = 'year'"
                                  " and segment = 'all'")  # fmt: skip
    assert str(orders["revenue"]) == "8.0750000000"
