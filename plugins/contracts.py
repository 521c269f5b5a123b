"""`make contracts`: the data contract as files, made of what the project says already.

Of each raw table a contract in the Open Data Contract Standard (ODCS), a JSON schema and a template CSV, of the marts
one contract. Columns and definitions are those of dbt's manifest, rules those of the suites in expectations/, keys and
rules of marts those of their data tests, rows of the templates those of the demo company.
"""

import argparse
import csv
import io
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Made by `make contracts` from models/ and expectations/. Do not edit.\n"
ROWS = 2  # of a template

# What an expectation comes to among the metrics of ODCS.
METRICS = {
    "expect_column_values_to_not_be_null": "nullValues",
    "expect_column_values_to_be_unique": "duplicateValues",
    "expect_column_values_to_be_in_set": "invalidValues",
    "expect_column_values_to_match_regex": "invalidValues",
}
ARGUMENTS = {"value_set": "validValues", "regex": "pattern"}
# What the SQL of a suite says of a type, of limits, and of nulls that are refused.
TYPES = {
    "integer": r"not is_whole_number\({column}\)",
    "number": r"as_number\({column}\) not between",
    "date": r"as_timestamp\({column}\) <> cast\(as_timestamp\({column}\) as date\)",
    "timestamp": r"not is_instant\({column}\)",
}
LIMITS = r"as_number\({column}\) not between (-?[\d.]+) and (-?[\d.]+)"
NULLS_PASS = r"{column} is not null and (?:not |coalesce\()"
# The logical types of the types that marts have.
LOGICAL_TYPES = {
    "varchar": "string", "date": "date", "timestamp": "timestamp", "boolean": "boolean", "decimal": "number",
    "double precision": "number", "bigint": "integer", "integer": "integer",
}  # fmt: skip
# How values of a type are written, in a CSV file or in JSON.
JSON_TYPES: dict[str, tuple[list[str], str | None]] = {
    "string": (["string"], None),
    "integer": (["integer", "string"], r"\s*[-+]?\d+(\.0*)?\s*"),
    "number": (["number", "string"], r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"),
    "date": (["string"], r"\s*\d{4}\D\d{1,2}\D\d{1,2}\b.*"),
    "timestamp": (["string"], r"\s*\d{4}\D\d{1,2}\D\d{1,2}\b.*"),
}

Row = dict[str, Any]


class ContractError(Exception):
    """The project says something that a contract cannot be made of."""


class Dumper(yaml.SafeDumper):
    """YAML for readers: text of several lines stands in lines, and nothing is an alias of something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def manifest() -> Any:
    """What dbt knows of the project where the raw tables are in a warehouse. Raises ContractError if it has errors."""
    variables = {"raw_location": None, "raw_schema": "raw"}
    with tempfile.TemporaryDirectory() as folder:
        finished = dbtRunner().invoke([
            "--log-level", "none", "parse", "--project-dir", str(ROOT), "--profiles-dir", str(ROOT),
            "--target-path", folder, "--log-path", folder, "--vars", json.dumps(variables),
        ])  # fmt: skip
    if not finished.success:
        raise ContractError(f"dbt parse: {finished.exception}")
    return finished.result


def one_line(text: str) -> str:
    """A text with its line breaks as blanks."""
    return " ".join(text.split())


def without_blanks(content: Any) -> Any:
    """A content of YAML whose texts neither end with blanks nor have lines that do."""
    if isinstance(content, dict):
        return {name: without_blanks(item) for name, item in content.items()}
    if isinstance(content, list):
        return [without_blanks(item) for item in content]
    return "\n".join(line.rstrip() for line in content.strip().split("\n")) if isinstance(content, str) else content


def column_of(expectation: Row) -> str | None:
    """The column that an expectation is about; None where it is about the table."""
    parts = (expectation.get(name) or {} for name in ("kwargs", "meta"))
    return next((part["column"] for part in parts if part.get("column")), None)


def is_tolerant(expectation: Row) -> bool:
    """Whether an expectation lets some rows fail, which ODCS has no words for."""
    return any((expectation.get(name) or {}).get("mostly") is not None for name in ("kwargs", "meta"))


def rule(expectation: Row) -> Row:
    """An expectation as a rule of ODCS: by a metric where there is one, otherwise as Great Expectations has it."""
    about = {"description": one_line(expectation["description"]), "severity": expectation["severity"]}
    arguments = dict(expectation.get("kwargs") or {})
    metric = METRICS.get(expectation["type"])
    others = {name: value for name, value in arguments.items() if name != "column"}
    if not metric or not others.keys() <= ARGUMENTS.keys() or is_tolerant(expectation):
        kept = {name: without_blanks(expectation[name]) for name in ("type", "kwargs", "meta") if name in expectation}
        return {**about, "type": "custom", "engine": "greatExpectations", "implementation": kept}
    named = {"arguments": {ARGUMENTS[name]: value for name, value in others.items()}} if others else {}
    return {**about, "type": "library", "metric": metric, **named, "mustBe": 0}


def number(text: str) -> int | float:
    """A limit as a number."""
    value = float(text)
    return int(value) if value.is_integer() else value


def said_of(column: str, expectation: Row) -> Row:
    """What a critical expectation says of its column that ODCS has a word for."""
    kind, arguments = expectation["type"], expectation.get("kwargs") or {}
    if kind == "expect_column_values_to_not_be_null":
        return {"required": True}
    if kind == "expect_column_values_to_be_unique":
        return {"unique": True}
    query, said = one_line(arguments.get("unexpected_rows_query", "")), Row()

    def found(pattern: str) -> re.Match[str] | None:
        """Where the query says something of the column."""
        return re.search(pattern.replace("{column}", column), query)

    logical_type = next((name for name, pattern in TYPES.items() if found(pattern)), None)
    if logical_type:
        said |= {"logicalType": logical_type, **({} if found(NULLS_PASS) else {"required": True})}
    if limits := found(LIMITS):
        said["logicalTypeOptions"] = {"minimum": number(limits[1]), "maximum": number(limits[2])}
    if table := (expectation.get("meta") or {}).get("refers_to"):
        said["relationships"] = [{"type": "foreignKey", "to": f"{table}.odcs.yaml#/schema/{table}/properties/{column}"}]
    return said


def in_key(column: str, key: list[str]) -> Row:
    """The place of a column in the key, if it has one."""
    return {"primaryKey": True, "primaryKeyPosition": key.index(column) + 1} if column in key else {}


def columns_wanted(table: Row) -> list[str]:
    """The columns that a raw table in ODCS must have: those of its rule about them."""
    rules = [rule["implementation"] for rule in table["quality"] if "implementation" in rule]
    sets = [rule["kwargs"]["column_set"] for rule in rules if rule["type"] == "expect_table_columns_to_match_set"]
    return [name for names in sets for name in names]


def raw_table(source: Any, suite: Row) -> Row:
    """A raw table in ODCS: every expectation of its suite is one rule, of its column or of the table.

    Raises ContractError where the suite is about a column that is not described.
    """
    expectations = suite["expectations"]
    unknown = {column_of(expectation) for expectation in expectations} - {None, *source.columns}
    if unknown:
        raise ContractError(f"expectations/{source.name}.yml: it describes no column {unknown}")
    properties = []
    for name, column in source.columns.items():
        about = [expectation for expectation in expectations if column_of(expectation) == name]
        described = {
            "id": name, "name": name, "description": one_line(column.description), "logicalType": "string",
            **in_key(name, suite["meta"]["key"]),
        }  # fmt: skip
        for expectation in about:
            if expectation["severity"] == "critical" and not is_tolerant(expectation):
                described |= said_of(name, expectation)
        rules = [rule(expectation) for expectation in about]
        properties.append({**described, **({"quality": rules} if rules else {})})
    return {
        "id": source.name, "name": source.name, "physicalType": "table", "description": one_line(source.description),
        "properties": properties,
        "quality": [rule(expectation) for expectation in expectations if not column_of(expectation)],
    }  # fmt: skip


def rule_of_test(test: Any) -> Row:
    """A data test of a mart as a rule of ODCS: by a metric where there is one, otherwise as dbt has it."""
    name, arguments = test.test_metadata.name, test.test_metadata.kwargs
    about = {"name": test.name, **({"description": one_line(test.description)} if test.description else {})}
    about["severity"] = {"ERROR": "critical"}.get(test.config.severity.upper(), "warning")
    if name == "unique_combination":
        metric: Row = {"metric": "duplicateValues", "arguments": {"properties": arguments["columns"]}}
    elif name == "accepted_values":
        metric = {"metric": "invalidValues", "arguments": {"validValues": arguments["values"]}}
    else:
        kept = {key: value for key, value in arguments.items() if key not in ("model", "column_name")}
        return {**about, "type": "custom", "engine": "dbt", "implementation": {"test": name, "arguments": kept}}
    return {**about, "type": "library", **metric, "mustBe": 0}


def mart(model: Any, tests: list[Any]) -> Row:
    """A mart in ODCS: its columns as its contract has them, and each of its data tests as a rule.

    A uniqueness test of columns that are never null is the key, and no rule. Raises ContractError where a column has a
    type that is not known here.
    """
    filled = {
        name
        for name, column in model.columns.items()
        if any(constraint.type == "not_null" for constraint in column.constraints)
    }
    keys = [
        test
        for test in tests
        if test.test_metadata.name == "unique_combination" and filled.issuperset(test.test_metadata.kwargs["columns"])
    ]
    key = keys[0].test_metadata.kwargs["columns"] if keys else []
    tests = [test for test in tests if test not in keys[:1]]
    properties = []
    for name, column in model.columns.items():
        logical_type = LOGICAL_TYPES.get(column.data_type.split("(")[0])
        if not logical_type:
            raise ContractError(f"{model.name}.{name}: LOGICAL_TYPES does not know {column.data_type}")
        described = {
            "id": name, "name": name, "description": one_line(column.description), "logicalType": logical_type,
            "physicalType": column.data_type, **in_key(name, key), **({"required": True} if name in filled else {}),
        }  # fmt: skip
        if column.config.meta:
            described["customProperties"] = [
                {"property": key, "value": value} for key, value in column.config.meta.items()
            ]
        rules = [rule_of_test(test) for test in tests if test.column_name == name]
        properties.append({**described, **({"quality": rules} if rules else {})})
    rules = [rule_of_test(test) for test in tests if not test.column_name]
    return {
        "id": model.name, "name": model.name, "physicalType": "table", "description": one_line(model.description),
        "properties": properties, **({"quality": rules} if rules else {}),
    }  # fmt: skip


def contract(name: str, purpose: str, server: Row, tables: list[Row]) -> str:
    """A contract in ODCS, as YAML."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    content = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"{project['name']}.{name}", "name": name,
        "version": project["version"], "status": "active", "description": {"purpose": purpose}, "servers": [server],
        "schema": tables,
    }  # fmt: skip
    return HEADER + yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def json_schema(table: Row) -> str:
    """A JSON schema of one row of a raw table, with values as they stand in JSON, or all as text, as in CSV."""
    properties = {}
    for described in table["properties"]:
        types, pattern = JSON_TYPES[described["logicalType"]]
        limits = described.get("logicalTypeOptions", {})
        if pattern and limits.get("minimum", -1) >= 0:
            pattern = pattern.replace("[-+]", "[+]", 1)  # a limit is for numbers: of text the pattern refuses a sign
        schema: Row = {"description": described["description"], "type": types, **limits}
        rules = [rule for rule in described.get("quality", []) if rule["severity"] == "critical"]
        values = [value for rule in rules for value in rule.get("arguments", {}).get("validValues", [])]
        if values:
            schema["enum"] = values
        if not described.get("required"):
            schema["type"] = [*types, "null"]
            pattern = pattern and f"({pattern})?"
        elif not pattern and not values:
            schema["minLength"] = 1
        properties[described["name"]] = {**schema, **({"pattern": f"^{pattern}$"} if pattern else {})}
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": HEADER.strip("# \n"),
        "title": table["name"], "description": table["description"], "type": "object",
        "required": columns_wanted(table), "properties": properties,
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def references(table: Row) -> dict[str, tuple[str, str]]:
    """The columns of a raw table that lead to another: column -> table, column."""
    found = {}
    for described in table["properties"]:
        for relationship in described.get("relationships", []):
            _, _, other, _, column = relationship["to"].split("/")
            found[described["name"]] = (other, column)
    return found


def chosen(rows: Iterable[Row], leading: dict[str, set[str]]) -> list[Row]:
    """The rows of a template: those that lead to one of these values each, not to the same one, the fullest first."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: list(row.values()).count("")):
        fits = all(row[column] in values for column, values in leading.items())
        if fits and len(kept) < ROWS and not any(row[column] == other[column] for column in leading for other in kept):
            kept.append(row)
    return kept


def templates(tables: list[Row]) -> Iterator[tuple[str, str]]:
    """The template of each raw table, with the columns that must be there: rows of the demo company.

    They lead to one another. Of a table that the demo company lacks there is the header alone. The table that leads to
    most others is first: its rows are chosen among those that all tables can lead to.
    Raises ContractError where the demo company has no such rows.
    """
    rows: dict[str, list[Row]] = {}
    for table in tables:
        names = columns_wanted(table)
        seed = ROOT / "seeds" / "demo" / f"raw_{table['name']}.csv"
        if not seed.exists():
            yield f"{table['name']}.template.csv", ",".join(names) + "\n"
            continue
        with open(seed, newline="", encoding="utf-8") as file:
            rows[table["name"]] = [{name: row[name] for name in names} for row in csv.DictReader(file)]
    tables = [table for table in tables if table["name"] in rows]
    values: dict[tuple[str, str], set[str]] = {}  # of a column that others lead to: those that a template has
    for table in tables:
        for column, target in references(table).items():
            found = {row[column] for row in rows[table["name"]]}
            values[target] = values.get(target, found) & found
    for table in sorted(tables, key=lambda table: -len(references(table))):
        name = table["name"]
        own = {column: known for (other, column), known in values.items() if other == name}
        leading = {column: values[target] for column, target in references(table).items()}
        kept = chosen(rows[name], own | leading)
        if len(kept) < ROWS:
            raise ContractError(f"seeds/demo/raw_{name}.csv: no {ROWS} rows that lead to those of the other templates")
        for column, target in references(table).items():
            values[target] = {row[column] for row in kept}
        text = io.StringIO()
        writer = csv.DictWriter(text, kept[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        yield f"{name}.template.csv", text.getvalue()


def files() -> Iterator[tuple[str, str]]:
    """The name and the content of every file. Raises ContractError."""
    known = manifest()
    tests = [node for node in known.nodes.values() if getattr(node, "attached_node", None)]
    sources = [source for source in known.sources.values() if source.source_name == "raw"]
    suites = {
        test.test_metadata.kwargs["table"]: test.test_metadata.kwargs["suite"]
        for test in tests
        if test.test_metadata.name == "meets_expectations"
    }
    tables = [raw_table(source, suites[source.name]) for source in sources]
    for table in tables:
        name = table["name"]
        server = {"server": "files", "type": "local", "path": f"exports/{name}.csv", "format": "csv"}
        purpose = "A raw table, which the marts are made of. The guard of every build checks these rules."
        yield f"{name}.odcs.yaml", contract(name, purpose, server, [table])
        yield f"{name}.schema.json", json_schema(table)
    yield from templates(tables)

    marts = [
        mart(node, [test for test in tests if test.attached_node == node.unique_id])
        for node in sorted(known.nodes.values(), key=lambda node: str(node.name))
        if node.resource_type == "model" and node.access == "public"
    ]
    server = {"server": "readers", "type": "duckdb", "database": "marts.duckdb", "schema": "main"}
    yield "marts.odcs.yaml", contract("marts", "The marts, which BI tools and people read.", server, marts)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, and remove those of raw tables that are no more. The exit code."""
    parser = argparse.ArgumentParser(prog="make contracts", description=__doc__)
    parser.add_argument("--folder", default=ROOT / "contracts", type=Path, help="where the files go")
    folder = parser.parse_args(arguments).folder
    try:
        made = dict(files())
    except ContractError as problem:
        print(problem)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name.endswith((".odcs.yaml", ".schema.json", ".template.csv")) and path.name not in made:
            path.unlink()
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")
    print(f"{len(made)} files in {folder.name}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
