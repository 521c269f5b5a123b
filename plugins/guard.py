"""The guard: Great Expectations suites on the raw tables, run by SQL on dbt's own connection.

A dbt-duckdb plugin. It gives SQL the function `run_expectations`, which the data test `meets_expectations` calls on
every raw table before anything reads it. Suites are `expectations/<table>.yml`, in Great Expectations' own form.
"""

import json
import logging
import threading
import warnings
from pathlib import Path

import duckdb
import yaml
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger

SUITES = Path(__file__).resolve().parents[1] / "expectations"
SEVERITIES = ("critical", "warning", "info")
SAMPLES = 5
LOCK = threading.RLock()  # Great Expectations keeps global state
LOG = AdapterLogger("Guard")

# What the SQL of a suite may call, beside the raw tables by their names and the one-row view `settings`.
# as_instant is the macro `instant` of staging: a bare date is midnight in the reporting timezone. What is_known lies
# before as_of_date.
FUNCTIONS = """
    create or replace temp macro as_instant(x) as case
        when (select reporting_timezone from settings) = 'UTC' or cast(x as varchar) like '%:%'
            then try_cast(x as timestamp)
        else timezone('UTC', timezone((select reporting_timezone from settings), try_cast(x as timestamp)))
    end;
    create or replace temp macro is_known(x) as coalesce(
        cast(timezone((select reporting_timezone from settings), timezone('UTC', as_instant(x))) as date)
        < (select as_of_date from settings),
        true
    );
    create or replace temp macro is_whole_number(x) as
        coalesce(try_cast(x as decimal(38, 10)) = try_cast(x as bigint), false);
    create or replace temp macro is_instant(x) as
        try_cast(x as timestamp) is not null
        and (typeof(x) <> 'VARCHAR' or not regexp_matches(cast(x as varchar), ':.*[-+a-yA-Y]'));
"""


class SuiteError(Exception):
    """A suite that cannot be trusted: the guard would be green and guard nothing."""


def great_expectations():
    """The library, without its log lines and warnings. Importing it takes seconds, so it waits until it is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as library

    for name in logging.root.manager.loggerDict:
        if name.startswith("great_expectations"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return library


def load_suite(table, columns):
    """The suite of a raw table as expectations; `columns` are those that the contract knows.

    Great Expectations only logs, and then drops, an expectation it does not know: each is made by itself here.
    Raises SuiteError with the file and the place for whatever is wrong.
    """
    path = SUITES / f"{table}.yml"
    where = f"expectations/{path.name}"
    if not path.exists():
        raise SuiteError(f"{where} is missing: every raw table has a suite")
    try:
        suite = yaml.safe_load(path.read_text(encoding="utf-8"))
        specifications, key = suite["expectations"], (suite.get("meta") or {}).get("key") or []
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as problem:
        raise SuiteError(f"{where} is not a suite: {problem!r}") from None
    if not specifications:
        raise SuiteError(f"{where} holds no expectation")
    if not isinstance(specifications, list) or not isinstance(key, list):
        raise SuiteError(f"{where} is not a suite: expectations and meta: key are lists")
    if not set(key) <= set(columns):
        raise SuiteError(f"{where}, meta: the contract knows no key {', '.join(map(str, key))} of {table}")

    great_expectations()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    expectations, places = [], []
    for number, specification in enumerate(specifications, 1):
        named_parts = ("kwargs", "meta") if isinstance(specification, dict) else ()
        parts = [specification, *(specification.get(name) or {} for name in named_parts)]
        if not all(isinstance(part, dict) for part in parts):
            raise SuiteError(f"{where}, expectation {number}: it, its kwargs and its meta are mappings")
        here = f"{where}, expectation {number} ({specification.get('type')})"
        if specification.get("severity") not in SEVERITIES:
            raise SuiteError(f"{here}: severity is one of {', '.join(SEVERITIES)}")
        if not specification.get("description"):
            raise SuiteError(f"{here}: the description, the expectation in words, is missing")
        meta, arguments = specification.get("meta") or {}, specification.get("kwargs") or {}
        named = [arguments.get("column"), meta.get("column"), *arguments.get("column_list", [])]
        unknown = {name for name in named if name} - set(columns)
        if unknown:
            raise SuiteError(f"{here}: the contract knows no column {', '.join(sorted(unknown))} of {table}")
        place = (specification.get("type"), *named, specification["description"])
        if place in places:
            raise SuiteError(f"{here} is there twice: give it another description")
        places.append(place)
        if meta.get("quarantine") and not key:
            raise SuiteError(f"{here}: to set rows aside the suite must name their key, meta: {{key: [...]}}")
        if meta.get("quarantine") and table in ("customers", "plans"):
            raise SuiteError(f"{here}: rows of {table} cannot be set aside, because other tables refer to them")
        try:
            expectations.append(ExpectationConfiguration(**specification).to_domain_obj())
        except Exception as problem:
            reason = " ".join(str(problem).split()) or type(problem).__name__
            raise SuiteError(f"{here}: {reason}") from None
    return expectations, key


def plain(value):
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


class Outcome:
    """What became of one expectation: the row of quality.expectation_results and the line of the log."""

    def __init__(self, table, rows, key, expectation, result):
        found = result.result or {}
        arguments = expectation.configuration.kwargs
        self.meta = expectation.meta or {}
        self.table, self.rows, self.key = table, rows, key
        self.type, self.words = expectation.configuration.type, expectation.description
        self.severity = expectation.severity.value
        self.column = arguments.get("column") or self.meta.get("column")
        self.success, self.quarantined = bool(result.success), 0
        failing = (found.get("details") or {}).get("unexpected_rows")
        if failing is not None:
            failing = plain(list(failing))[:SAMPLES]
            self.failed = found["observed_value"]
            self.samples = [row.get(self.column) if self.column else row for row in failing]
            self.keys = [{name: row[name] for name in key if name in row} for row in failing]
            self.query = arguments["unexpected_rows_query"].replace("{batch}", table)
        else:
            missing = (found.get("details") or {}).get("mismatched", {}).get("missing", [])
            self.failed = found.get("unexpected_count")
            self.samples = plain(found.get("partial_unexpected_list") or missing)[:SAMPLES]
            index = plain(found.get("partial_unexpected_index_list") or [])[:SAMPLES]
            self.keys = [{name: row[name] for name in key if name in row} for row in index]
            self.query = (found.get("unexpected_index_query") or "").rstrip("; \n")

    @property
    def level(self):
        """What it comes to: its severity, but for rows set aside a warning at most; None where all is well."""
        if self.success and not self.quarantined:
            return None
        return "warning" if self.success and self.severity == "critical" else self.severity

    def line(self):
        """Level, place, the expectation in words, how many rows, samples and keys; None where all is well."""
        if not self.level:
            return None
        text = f"{self.level}: {self.table}{'.' + self.column if self.column else ''} {self.words}"
        if self.column and self.failed is not None:
            text += f": not so in {self.failed:,} of {self.rows:,} rows"
            if any(sample is not None for sample in self.samples):
                text += ", such as " + ", ".join(shortened(sample) for sample in self.samples)
            if any(self.keys):
                text += "; at " + ", ".join(shortened(key) for key in self.keys)
        else:
            text += f": not so, {'missing' if self.failed is None else 'found'} "
            text += ", ".join(shortened(sample) for sample in self.samples)
        return text + (f"; {self.quarantined:,} rows are in quarantine" if self.quarantined else "")


def shortened(sample):
    """A sample as text on one line, cut where it is long."""
    if isinstance(sample, dict):
        return " ".join(f"{name} {shortened(value)}" for name, value in sample.items())
    text = repr(sample) if isinstance(sample, str) else "null" if sample is None else str(sample)
    return text if len(text) <= 60 else text[:57] + "..."


def validate(connection, table, expectations, key):
    """Run the expectations on the view of that name; an Outcome for each, in their order.

    Cheap first: whether each holds. Then the details of those that do not, or that may set rows aside.
    Raises SuiteError where an expectation cannot be run at all.
    """
    library = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import StaticPool

    from plugins.duckdb_dialect import Connection

    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(
        "duckdb",
        connection_string="guard://",
        kwargs={"creator": lambda: Connection(connection), "poolclass": StaticPool},
    )
    batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all").get_batch()
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone()
    details = {
        "partial_unexpected_count": SAMPLES,
        "unexpected_index_column_names": key,
        "return_unexpected_index_query": True,
    }
    outcomes = []
    for expectation in expectations:
        result = batch.validate(expectation, result_format="BOOLEAN_ONLY")
        if (not result.success or (expectation.meta or {}).get("quarantine")) and not raised(result):
            # Only the complete result of a query has its rows; of a column it would have all values.
            complete = expectation.configuration.type == "unexpected_rows_expectation"
            details["result_format"] = "COMPLETE" if complete else "SUMMARY"
            result = batch.validate(expectation, result_format=details)
        if raised(result):
            raise SuiteError(
                f"expectations/{table}.yml: {expectation.configuration.type} "
                f"({expectation.description}) cannot be run: {raised(result)}"
            )
        outcomes.append(Outcome(table, rows, key, expectation, result))
        if not result.success and expectation.configuration.type == "expect_table_columns_to_match_set":
            break  # without its columns no other expectation can be run
    return outcomes


def raised(result):
    """The message of what an expectation raised, or an empty text."""
    information = result.exception_info or {}
    if "raised_exception" in information:
        information = {"": information}
    messages = {str(found["exception_message"]) for found in information.values() if found["raised_exception"]}
    return " ".join(" ".join(sorted(messages)).split())


def settle(outcome):
    """Whether rows may be set aside: the expectation opts in, and no more of them fail than it tolerates."""
    if not outcome.meta.get("quarantine") or not outcome.failed:
        return False
    kept = outcome.rows - outcome.failed
    outcome.success = outcome.success or kept >= outcome.meta.get("mostly", 1) * outcome.rows - 1e-9
    return outcome.success


def record(cursor, build_id, outcomes):
    """Keep every outcome, and set aside the rows that an expectation wants quarantined. One transaction."""
    cursor.execute("begin")
    cursor.execute("delete from quality.quarantine where raw_table = ?", [outcomes[0].table])
    for outcome in outcomes:
        if settle(outcome):
            # By content where the query has whole rows: a key may be shared with a good row.
            is_bad = " and ".join(f"bad.{name} is not distinct from {outcome.table}.{name}" for name in outcome.key)
            if outcome.query.lstrip().startswith("select * from"):
                is_bad = f"to_json(bad) = to_json({outcome.table})"
            key = ", ".join(f"'{name}': {name}" for name in outcome.key)
            (outcome.quarantined,) = cursor.execute(
                f"""
                insert into quality.quarantine
                select ?, ?, to_json({{{key}}}), to_json({outcome.table}), ?,
                    md5(cast(to_json({outcome.table}) as varchar))
                from {outcome.table}
                where exists (select 1 from ({outcome.query}) as bad where {is_bad})
                """,
                [build_id, outcome.table, f"{outcome.column or outcome.table} {outcome.words}"],
            ).fetchone()
        cursor.execute(
            "insert into quality.expectation_results values (?, now()::timestamp, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                build_id, outcome.table, outcome.column, outcome.type, outcome.words, outcome.severity, outcome.success,
                outcome.rows, outcome.failed, json.dumps(outcome.samples), json.dumps(outcome.keys),
                outcome.quarantined, outcome.line(),
            ],
        )  # fmt: skip
    cursor.execute("commit")


class Plugin(BasePlugin):
    """Registers `run_expectations` on dbt's connection."""

    def configure_connection(self, connection):
        def run_expectations(table, tables, columns, settings, build_id):
            """Guard one raw table. Answers with JSON: the number of warnings, and what is critical as text."""
            cursor = connection.cursor()  # of its own: dbt's open transaction is not touched
            try:
                with LOCK, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    cursor.execute("set TimeZone = 'UTC'")  # dbt sets it on its own cursors only
                    for name, relation in json.loads(tables).items():
                        cursor.execute(f"create or replace temp view {name} as select * from {relation}")
                    cursor.execute(f"create or replace temp view settings as {settings}")
                    cursor.execute(FUNCTIONS)
                    outcomes = validate(cursor, table, *load_suite(table, json.loads(columns)))
                    record(cursor, build_id, outcomes)
            except (SuiteError, duckdb.Error) as problem:
                return json.dumps({"warnings": 0, "critical": f"critical: {table} could not be guarded: {problem}"})
            finally:
                cursor.close()

            critical = [outcome.line() for outcome in outcomes if outcome.level == "critical"]
            warned = [outcome.line() for outcome in outcomes if outcome.level == "warning"]
            for outcome in outcomes:
                if outcome.level and not critical:
                    getattr(LOG, outcome.level)(outcome.line())
            lines = critical + warned if critical else []
            return json.dumps({"warnings": len(warned), "critical": "\n  ".join(lines)})

        connection.create_function("run_expectations", run_expectations, ["VARCHAR"] * 5, "VARCHAR", side_effects=True)
