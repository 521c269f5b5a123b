"""`make validate`: the guard alone, in a scratch database of its own, so that a build may be running meanwhile, unless
the raw tables are in the very file that it builds.

Prints what the guard found and a verdict, writes the same as JSON and as JUnit XML, and exits with 1 where the raw
tables break the contract or cannot be checked, with 0 otherwise.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from plugins.sql import counted

TABLES = ("customers", "plans", "subscriptions", "orders", "activity", "exchange_rates")
LEVELS = ("critical", "warning", "info")

Row = dict[str, Any]


def project_vars() -> Row:
    """The vars in the dbt_project.yml of the folder where dbt runs, whether this project is its root or a package."""
    file = Path("dbt_project.yml")
    found = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("vars") or {} if file.exists() else {}
    return {**found, **(found.get("retention_marts") or {})}


def tables_of(given: Row) -> list[str]:
    """The raw tables that are somewhere, as macro raw_tables_are has it: the others have no guard."""
    if given.get("raw_location") or given.get("raw_schema"):
        return list(TABLES)
    missing = ("activity", "exchange_rates") if given.get("billing_sources") else ("exchange_rates",)
    return [table for table in TABLES if table not in missing]


def why_locked(warehouse: Path) -> str | None:
    """Why a warehouse cannot be read now, where another process holds it: DuckDB lets nobody else in meanwhile."""
    try:
        duckdb.connect(str(warehouse), read_only=True).close()
    except duckdb.IOException as error:
        holder = re.search(r"PID (\d+)", str(error))
        if not holder:
            return None  # dbt says what else is wrong with it
        lock = warehouse.with_name(f"{warehouse.name}.lock")
        said = lock.read_text() if lock.exists() else ""
        process = said if f"process {holder[1]}," in said else f"process {holder[1]}"
        return (
            f"{warehouse}, where raw_schema is, is in use by {process}: wait until that has ended, "
            "or validate the exports before they are loaded, with raw_location"
        )
    return None


def run_guard(tables: list[str], variables: Row, scratch: Path, reports: Path) -> list[str]:
    """Run the guard of some tables in a scratch database. What kept dbt from it, if anything did, as lines."""
    environment = {
        "RETENTION_WAREHOUSE": str(scratch), "RETENTION_MARTS": str(scratch.with_name("marts.duckdb")),
        "DBT_TARGET_PATH": str(reports), "DBT_LOG_PATH": str(reports), "RETENTION_PARQUET": "",
    }  # fmt: skip
    given = {**project_vars(), **variables}
    if given.get("raw_schema") and not given.get("raw_database"):
        warehouse = Path(os.environ.get("RETENTION_WAREHOUSE", "warehouse.duckdb"))
        if locked := why_locked(warehouse):
            return [locked]
        variables = {**variables, "raw_database": warehouse.stem}
        environment["RETENTION_ATTACH"] = repr([{"path": str(warehouse), "alias": warehouse.stem, "read_only": True}])
    os.environ |= environment
    finished = dbtRunner().invoke([
        "--log-level", "none", "build", "--vars", json.dumps(variables, default=str), "--indirect-selection", "empty",
        "--select", *(f"+guard_{table}" for table in tables),
    ])  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    if finished.exception:
        return [str(finished.exception)]
    results = getattr(finished.result, "results", None) or []
    told = {f"guard_{row['raw_table']}" for row in read_outcomes(scratch)}  # the guard has said itself what it found
    return [
        f"{result.node.name}: {result.message}"
        for result in results
        if result.status in ("error", "runtime error") and result.node.name not in told
    ]


def read_outcomes(scratch: Path) -> list[Row]:
    """What the guard recorded, or nothing where it did not come to that."""
    try:
        with duckdb.connect(str(scratch), read_only=True) as connection:
            cursor = connection.execute("from quality.expectation_results order by raw_table, column_name, description")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]
    except duckdb.Error:
        return []


def lines_of(outcomes: list[Row], level: str) -> list[str]:
    """The lines of one level."""
    return [row["message"] for row in outcomes if (row["message"] or "").startswith(f"{level}: ")]


def verdict_of(tables: list[str], outcomes: list[Row], problems: list[str]) -> tuple[bool, str]:
    """Whether the raw tables keep the contract, and a sentence about it."""
    broken = lines_of(outcomes, "critical")
    checked = {row["raw_table"] for row in outcomes}
    if problems or not set(tables) <= checked:
        return False, f"exports could not be checked: {len(set(tables) - checked)} of {len(tables)} tables were not"
    skipped = [row for row in outcomes if row["is_success"] is None]
    remarks = len(lines_of(outcomes, "warning")) + len(lines_of(outcomes, "info")) - len(skipped)
    counts = [
        counted(len(checked), "table"), counted(len(outcomes) - len(skipped), "expectation"), counted(remarks, "remark")
    ]  # fmt: skip
    counts += [f"{len(skipped)} not checked"] if skipped else []
    counts += [f"{len(broken)} broken"] if broken else []
    return not broken, f"exports {'break' if broken else 'keep'} the contract: {', '.join(counts)}"


def write_reports(reports: Path, verdict: str, keeps: bool, outcomes: list[Row], problems: list[str]) -> None:
    """Write validate.json and validate.xml, JUnit's form: a suite per raw table, a case per expectation."""
    reports.mkdir(parents=True, exist_ok=True)
    report = {"verdict": verdict, "keeps_contract": keeps, "problems": problems, "expectations": outcomes}
    (reports / "validate.json").write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")

    root = ElementTree.Element("testsuites", name=verdict)
    for table in sorted({row["raw_table"] for row in outcomes}):
        rows = [row for row in outcomes if row["raw_table"] == table]
        suite = ElementTree.SubElement(
            root, "testsuite", name=table, tests=str(len(rows)), failures=str(len(lines_of(rows, "critical"))),
            skipped=str(sum(row["is_success"] is None for row in rows)),
        )  # fmt: skip
        for row in rows:
            place = f"{table}.{row['column_name']}" if row["column_name"] else table
            case = ElementTree.SubElement(suite, "testcase", classname=place, name=row["description"])
            if row["is_success"] is None:
                ElementTree.SubElement(case, "skipped", message=row["message"])
            elif row["message"] in lines_of(rows, "critical"):
                ElementTree.SubElement(case, "failure", message=row["message"])
            elif row["message"]:
                ElementTree.SubElement(case, "system-out").text = row["message"]
    for problem in problems:
        ElementTree.SubElement(ElementTree.SubElement(root, "testsuite", name="dbt"), "error", message=problem)
    ElementTree.ElementTree(root).write(reports / "validate.xml", encoding="utf-8", xml_declaration=True)


def main(arguments: list[str] | None = None) -> int:
    """Validate and report. The exit code."""
    parser = argparse.ArgumentParser(prog="make validate", description=__doc__)
    parser.add_argument("--table", choices=TABLES, help="this raw table alone")
    parser.add_argument("--vars", default="{}", type=yaml.safe_load, help="dbt's vars, as JSON or YAML")
    parser.add_argument("--reports", default=Path("target/validate"), type=Path, help="folder of the two reports")
    options = parser.parse_args(arguments)
    tables = [options.table] if options.table else tables_of({**project_vars(), **(options.vars or {})})
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "validate_scratch.duckdb"
        problems = run_guard(tables, options.vars or {}, scratch, options.reports)
        outcomes = read_outcomes(scratch)
    keeps, verdict = verdict_of(tables, outcomes, problems)
    write_reports(options.reports, verdict, keeps, outcomes, problems)
    print("\n".join([*problems, *(line for level in LEVELS for line in lines_of(outcomes, level)), verdict]))
    return 0 if keeps else 1


if __name__ == "__main__":
    sys.exit(main())
