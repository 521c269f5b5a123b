"""The data contract as files, contracts/: made of what the project says, whole, and kept by the templates and marts."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import OPTIONAL_COLUMNS, RATE_COLUMNS, RAW_COLUMNS, ROOT, Build, inherited, skip, suite_of
from jsonschema import Draft202012Validator
from test_raw_tables import TYPES

from plugins import contracts

FOLDER = ROOT / "contracts"
TABLES = {**RAW_COLUMNS, **RATE_COLUMNS}
DATACONTRACT = ROOT / ".venv-contracts" / "bin" / "datacontract"
LOGICAL_TYPES = {
    "text": "string", "date": "date", "decimal": "number", "double": "number",
    "tinyint": "integer", "smallint": "integer", "integer": "integer",
    "timestamp": "timestamp", "timestamptz": "timestamp", "timestamp_ms": "timestamp", "timestamp_ns": "timestamp",
}  # fmt: skip
# A value that the guard refuses, of a column of each kind.
BAD_VALUES = [
    ("subscriptions", "status", "cancelled"), ("plans", "billing_interval", "quarter"),
    ("customers", "customer_id", ""),
    ("orders", "ordered_at", "09.03.2024"), ("orders", "amount", "106,20"), ("orders", "refunded_amount", "-1"),
    ("subscriptions", "quantity", "1.5"), ("subscriptions", "quantity", -1), ("subscriptions", "discount_percent", 101),
    ("activity", "events", None), ("activity", "activity_date", "yesterday"), ("subscriptions", "amount", "-1"),
]  # fmt: skip

Row = dict[str, Any]


def odcs(name: str) -> Row:
    """A contract."""
    content: Row = yaml.safe_load((FOLDER / f"{name}.odcs.yaml").read_text())
    return content


def properties(table: str) -> dict[str, Row]:
    """The columns of a raw table in its contract."""
    (schema,) = odcs(table)["schema"]
    return {described["name"]: described for described in schema["properties"]}


def rules(schema: Row) -> list[tuple[str | None, Row]]:
    """The rules of a table and of its columns."""
    found = [(None, rule) for rule in schema.get("quality", [])]
    return found + [(column["name"], rule) for column in schema["properties"] for rule in column.get("quality", [])]


def suite(table: str) -> list[Row]:
    """The expectations on a raw table."""
    expectations: list[Row] = suite_of(ROOT, table)["expectations"]
    return expectations


def template(table: str) -> list[Row]:
    """The rows of a template."""
    with open(FOLDER / f"{table}.template.csv", newline="") as file:
        return list(csv.DictReader(file))


def validator(table: str) -> Draft202012Validator:
    """The JSON schema of a raw table."""
    schema = json.loads((FOLDER / f"{table}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project, without settings of whoever runs the tests."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, env=inherited(), capture_output=True, text=True)


def datacontract(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run datacontract-cli, from its own environment."""
    if not DATACONTRACT.exists():
        skip("there is no .venv-contracts: make .venv-contracts/contracts")
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([DATACONTRACT, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_files_are_what_make_contracts_makes(tmp_path: Path) -> None:
    stale = tmp_path / "feedback.schema.json"
    stale.write_text("{}")
    finished = python("plugins.contracts", "--folder", str(tmp_path))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    made, kept = ({path.name: path.read_text() for path in folder.iterdir()} for folder in (tmp_path, FOLDER))
    assert sorted(made) == sorted(kept), "run make contracts"
    assert [name for name in made if made[name] != kept[name]] == [], "run make contracts"
    assert len(made) == 3 * len(TABLES) + 1


@pytest.mark.parametrize("table", TABLES)
def test_every_expectation_is_one_rule(table: str) -> None:
    (schema,) = odcs(table)["schema"]
    wanted = Counter(
        (contracts.column_of(expectation), " ".join(expectation["description"].split()), expectation["severity"])
        for expectation in suite(table)
    )
    found = rules(schema)
    assert Counter((column, rule["description"], rule["severity"]) for column, rule in found) == wanted
    queries = {contracts.one_line(e["kwargs"].get("unexpected_rows_query", "")) for e in suite(table)} - {""}
    kept = [rule["implementation"]["kwargs"] for _, rule in found if rule["type"] == "custom"]
    assert {contracts.one_line(arguments.get("unexpected_rows_query", "")) for arguments in kept} - {""} == queries


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_the_types_of_a_warehouse(table: str) -> None:
    assert [name for name in properties(table) if name not in OPTIONAL_COLUMNS.get(table, [])] == TABLES[table]
    for name, described in properties(table).items():
        assert described["logicalType"] == LOGICAL_TYPES[TYPES.get(name, "text").split("(")[0]], name
        assert described["description"] and "{{" not in described["description"]


def test_what_odcs_has_words_for() -> None:
    subscriptions, orders, plans = properties("subscriptions"), properties("orders"), properties("plans")
    required = [name for name, described in subscriptions.items() if described.get("required")]
    assert required == [*RAW_COLUMNS["subscriptions"][:7]]
    assert subscriptions["amount"]["logicalTypeOptions"] == {"minimum": 0, "maximum": 999999999999.9999999999}
    assert "required" not in orders["customer_id"]  # a guest's order: an empty key is an info there
    assert [name for name, described in orders.items() if described.get("unique")] == ["order_id"]
    assert subscriptions["discount_percent"]["logicalTypeOptions"] == {"minimum": 0, "maximum": 100}
    assert [subscriptions[name]["primaryKeyPosition"] for name in ("subscription_id", "started_at")] == [1, 2]
    (reference,) = subscriptions["plan_id"]["relationships"]
    assert reference["to"] == "plans.odcs.yaml#/schema/plans/properties/plan_id"
    (intervals,) = [rule for rule in plans["billing_interval"]["quality"] if rule.get("metric") == "invalidValues"]
    assert intervals["arguments"] == {"validValues": ["day", "week", "month", "year"]} and intervals["mustBe"] == 0
    for table in TABLES:
        for described in properties(table).values():
            for relationship in described.get("relationships", []):
                file, _, address = relationship["to"].partition("#")
                _, _, other, _, column = address.split("/")
                assert properties(file.removesuffix(".odcs.yaml"))[column]["id"] == column and f"{other}." in file


@pytest.mark.parametrize("part", ["kwargs", "meta"])
def test_an_expectation_that_tolerates_bad_rows_stays_one_of_great_expectations(part: str) -> None:
    tolerant: Row = {
        "type": "expect_column_values_to_not_be_null", "description": "is\n  there", "severity": "critical",
        "kwargs": {"column": "status"}, "meta": {},
    }  # fmt: skip
    assert contracts.rule(tolerant)["type"] == "library" and not contracts.is_tolerant(tolerant)
    tolerant[part]["mostly"] = 0.9
    assert contracts.is_tolerant(tolerant)
    assert contracts.rule(tolerant) == {
        "description": "is there", "severity": "critical", "type": "custom", "engine": "greatExpectations",
        "implementation": {name: tolerant[name] for name in ("type", "kwargs", "meta")},
    }  # fmt: skip


def test_the_marts_are_all_there_with_their_columns() -> None:
    schemas = {schema["name"]: schema for schema in odcs("marts")["schema"]}
    described = {path.stem: path for path in (ROOT / "models" / "marts").rglob("*.yml")}
    del described["source_reconciliation"]  # which there is with billing_sources alone
    assert schemas.keys() == described.keys()
    for path in described.values():
        (model,) = yaml.safe_load(path.read_text())["models"]
        schema = schemas[model["name"]]
        found = [(column["name"], column["physicalType"]) for column in schema["properties"]]
        assert found == [(column["name"], column["data_type"]) for column in model["columns"]]
        tests = [test for part in (model, *model["columns"]) for test in part.get("data_tests", [])]
        has_key = any(column.get("primaryKey") for column in schema["properties"])
        assert len(rules(schema)) + has_key == len(tests), model["name"]
    assert not any(column.get("primaryKey") for column in schemas["data_quality"]["properties"])  # may be null there
    key = [column["name"] for column in schemas["mrr_movements"]["properties"] if column.get("primaryKey")]
    assert key == ["customer_id", "movement_date"]


@pytest.mark.parametrize("table", RAW_COLUMNS)
def test_rows_of_a_template_fit_the_json_schema(table: str) -> None:
    rows = template(table)
    assert len(rows) == 2 and list(rows[0]) == RAW_COLUMNS[table]
    for row in rows:
        assert not list(validator(table).iter_errors(row))
        for name in row:
            without = {key: value for key, value in row.items() if key != name}
            assert [error.message for error in validator(table).iter_errors(without)] == [
                f"'{name}' is a required property"
            ]


def test_the_template_of_a_table_that_the_demo_lacks_is_its_header_alone() -> None:
    text = (FOLDER / "exchange_rates.template.csv").read_text()
    assert text == ",".join(RATE_COLUMNS["exchange_rates"]) + "\n"


@pytest.mark.parametrize("table", OPTIONAL_COLUMNS)
def test_an_optional_column_may_be_missing_empty_or_there(table: str) -> None:
    for row in ({}, {"email": "", "amount": ""}, {"email": "a@example.com", "amount": "12.50"}):
        assert not list(validator(table).iter_errors({**template(table)[0], **row}))


@pytest.mark.parametrize(("table", "column", "value"), BAD_VALUES)
def test_a_bad_value_does_not_fit_the_json_schema(table: str, column: str, value: Any) -> None:
    row = {**template(table)[0], column: value}
    assert {error.path[0] for error in validator(table).iter_errors(row)} == {column}


def test_the_guard_passes_the_templates_together(tmp_path: Path) -> None:
    variables = json.dumps({"raw_location": str(FOLDER / "{table}.template.csv")})
    finished = python("plugins.validate", "--vars", variables, "--reports", str(tmp_path))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "exports keep the contract: 6 tables, " in finished.stdout


@pytest.mark.parametrize("name", [*TABLES, "marts"])
def test_datacontract_lint(name: str) -> None:
    finished = datacontract("lint", f"contracts/{name}.odcs.yaml", cwd=ROOT)
    assert finished.returncode == 0 and "Data contract is valid against ODCS v3.1.0" in finished.stdout, finished.stdout


def test_datacontract_finds_the_contract_kept_by_the_readers_file_and_a_break(demo: Build, tmp_path: Path) -> None:
    beside_the_marts = demo.warehouse.parent
    finished = datacontract("test", str(FOLDER / "marts.odcs.yaml"), cwd=beside_the_marts)
    assert finished.returncode == 0 and "Data contract is valid" in finished.stdout, finished.stdout[-6000:]

    broken = (FOLDER / "marts.odcs.yaml").read_text().replace("name: mrr_change\n", "name: mrr_shift\n")
    (tmp_path / "broken.odcs.yaml").write_text(broken)
    contract = str(tmp_path / "broken.odcs.yaml")
    finished = datacontract("test", contract, "--schema-name", "mrr_movements", cwd=beside_the_marts)
    assert finished.returncode != 0 and "mrr_shift" in finished.stdout
