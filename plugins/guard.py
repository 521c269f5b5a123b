"""The guard: Great Expectations suites on the raw tables, run by SQL on dbt's own connection.

A dbt-duckdb plugin. It gives SQL the function `run_expectations`, which the data test `meets_expectations` calls on
every raw table before anything reads it, with the suite that `expectations/<table>.yml` gives the test, in Great
Expectations' own form. Other engines judge by SQL alone, macros/guard_by_sql.sql.
"""

import contextlib
import difflib
import functools
import importlib.util
import json
import logging
import re
import sys
import threading
import warnings
import weakref
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger

from plugins.csv_files import look_at_files
from plugins.sql import columns_of, quoted, text

SEVERITIES = ("critical", "warning", "info")
SAMPLES = 5
LOCK = threading.RLock()  # Great Expectations keeps global state
LOG = AdapterLogger("Guard")
HAS_COLUMNS = "expect_table_columns_to_match_set"
UNREADABLE = "unreadable_because"  # the one column of what stands for a raw table that cannot be read
# Of several columns Great Expectations lets rows with a null pass (its issue 12252), or has no query that finds rows.
NOT_GUARDING = ("expect_column_pair_", "expect_multicolumn_", "expect_compound_", "expect_select_column_")

Cursor = duckdb.DuckDBPyConnection
Row = dict[str, Any]


class SuiteError(Exception):
    """A suite that cannot be trusted: the guard would be green and guard nothing."""


def load_when_used(package: str, name: str) -> None:
    """Let `from package import name` give a module that is loaded when something of it is first used.

    Great Expectations imports scipy.stats, a quarter of its own import, for expectations about distributions.
    """
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec and spec.loader and spec.name not in sys.modules:
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        setattr(sys.modules[package], name, module)


@functools.cache
def great_expectations() -> ModuleType:
    """The library, without its log lines and warnings. Importing it takes seconds, so it waits until it is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load_when_used("scipy", "stats")
        import great_expectations as library

    for name in logging.root.manager.loggerDict:
        if name.startswith("great_expectations"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    class UnexpectedRowsExpectation(library.expectations.UnexpectedRowsExpectation):
        """Great Expectations' own, which it replaces under its name: it counts rows, and does not read them as well.

        That would run each query twice. What fails is looked at by the guard.
        """

        metric_dependencies = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: Row, *arguments: Any, **keywords: Any) -> Any:
            return super()._validate({**metrics, "unexpected_rows_query.table": []}, *arguments, **keywords)

    return library


@dataclass
class Suite:
    """A suite as it is run: its expectations, the key of its table, and the column whose mean the guard remembers."""

    expectations: list[Any]
    key: list[str]
    mean: str | None


def load_suite(table: str, suite: Any, columns: list[str]) -> Suite:
    """The suite of a raw table, as YAML has it; `columns` are those that the contract knows or the table has.

    Great Expectations only logs, and then drops, an expectation it does not know: each is made by itself here.
    Raises SuiteError with the file and the place for whatever is wrong.
    """
    where = f"expectations/{table}.yml"
    try:
        specifications, about = suite["expectations"], suite.get("meta") or {}
        key, mean = about.get("key") or [], about.get("mean")
    except (KeyError, TypeError, AttributeError):
        raise SuiteError(f"{where} is not a suite: a mapping with expectations is wanted") from None
    if not specifications:
        raise SuiteError(f"{where} holds no expectation")
    if not isinstance(specifications, list) or not isinstance(key, list):
        raise SuiteError(f"{where} is not a suite: expectations and meta: key are lists")
    for name in [*key, *([mean] if mean else [])]:
        if name not in columns:
            raise SuiteError(f"{where}, meta: the contract knows no key {name} of {table}")

    great_expectations()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    expectations: list[Any] = []
    places: list[tuple[Any, ...]] = []
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
        if str(specification.get("type")).startswith(NOT_GUARDING):
            raise SuiteError(
                f"{here}: Great Expectations lets rows with a null in one of several columns pass, so that this would "
                "guard nothing for them; say it as an unexpected_rows_expectation"
            )
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
    return Suite(expectations, key, mean)


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


@dataclass
class Outcome:
    """What became of one expectation: the row of quality.expectation_results and the line of the log."""

    table: str
    rows: int
    column: str | None
    type: str
    words: str
    severity: str
    success: bool = True
    failed: int | None = None
    query: str = ""  # finds the rows that fail
    counts: list[tuple[Any, int]] = field(default_factory=list)  # distinct values that fail, how often each is there
    keys: list[Row] = field(default_factory=list)  # of one row for each of them
    sources: list[tuple[str, int]] = field(default_factory=list)  # the billing sources of rows that fail, and how many
    # An unknown key, the one it may mean, how often, and whether leading zeros make the difference.
    misspelt: list[tuple[Any, Any, int, bool]] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)  # what else the expectation found, as text or rows
    meta: Row = field(default_factory=dict)
    quarantined: int = 0
    lacking: list[str] = field(default_factory=list)  # columns that are missing, so that it was not run

    @property
    def samples(self) -> list[Any]:
        """Distinct values that fail, or what else was found."""
        return [value for value, _ in self.counts] or self.found

    @property
    def level(self) -> str | None:
        """What it comes to: its severity, but for rows set aside a warning at most; None where all is well."""
        if self.lacking:
            return "info"
        if self.success and not self.quarantined:
            return None
        return "warning" if self.success and self.severity == "critical" else self.severity

    @property
    def line(self) -> str | None:
        """Level, place, the expectation in words, how many rows, samples and keys, or why it was not run.

        None where all is well.
        """
        if not self.level:
            return None
        text = f"{self.level}: {self.table}{'.' + self.column if self.column else ''} {self.words}"
        if self.lacking:
            text += f": not checked, {' and '.join(self.lacking)} {'is' if len(self.lacking) == 1 else 'are'} missing"
        elif self.counts:
            text += f": not so in {self.failed:,} of {self.rows:,} rows"
            if any(value is not None for value, _ in self.counts):
                text += ", such as " + ", ".join(f"{shortened(value)} {times:,}" for value, times in self.counts)
            if any(self.keys):
                text += "; at " + ", ".join(shortened(key) for key in self.keys)
            if self.sources:
                text += "; in " + ", ".join(f"{name} {times:,}" for name, times in self.sources)
            if self.misspelt:
                total = sum(times for _, _, times, _ in self.misspelt)
                zeros_differ = any(by_zeros for *_, by_zeros in self.misspelt)
                spelling = "case, blanks or leading zeros" if zeros_differ else "case or blanks"
                text += f"; in {total:,} of them, values differ only by {spelling}"
                text += f" from one in {self.meta['refers_to']}, such as " + ", ".join(
                    f"{shortened(value)} for {shortened(known)} {times:,}"
                    for value, known, times, _ in self.misspelt[:SAMPLES]
                )
        elif self.found:
            text += f": not so, {'missing' if self.type == HAS_COLUMNS else 'found'} "
            text += ", ".join(item if isinstance(item, str) else shortened(item) for item in self.found)
        if self.quarantined:
            text += f"; {self.quarantined:,} row{' is' if self.quarantined == 1 else 's are'} in quarantine"
        return text


def shortened(sample: Any) -> str:
    """A sample as text on one line, cut where it is long."""
    if isinstance(sample, dict):
        return " ".join(f"{name} {shortened(value)}" for name, value in sample.items())
    text = repr(sample) if isinstance(sample, str) else "null" if sample is None else str(sample)
    return text if len(text) <= 60 else text[:57] + "..."


def lowered(names: Iterable[str]) -> list[str]:
    """Names of columns as they are compared: SQL does not distinguish them by case."""
    return [name.lower() for name in names]


def rows_of(cursor: Cursor, query: str) -> list[Row]:
    """The rows of a query as mappings."""
    cursor.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


class Guard:
    """The raw tables as one connection sees them, and the expectations on one of them.

    `columns` holds those of each table that are there, `missing` those that the contract wants beside them.
    """

    def __init__(self, cursor: Cursor, question: Row) -> None:
        """Make what the SQL of a suite reads. Raises duckdb.Error or SuiteError."""
        self.cursor, self.table, self.known = cursor, question["table"], question["columns"]
        cursor.execute("set TimeZone = 'UTC'")  # dbt sets it on its own cursors only
        self.columns: dict[str, list[str]] = {}
        for name, relation in question["relations"].items():
            cursor.execute(f"create or replace temp view {name} as select * from {relation}")
            self.columns[name] = lowered(columns_of(cursor, name))
        self.missing = {
            name: [column for column in known if column not in self.columns[name]] for name, known in self.known.items()
        }
        known = [*self.known[self.table], *self.columns[self.table]]
        self.suite = load_suite(self.table, question["suite"], known)
        cursor.execute(question["functions"])
        cursor.execute(f"create or replace temp view facts as {self.facts(question['facts'])}")
        cursor.execute(f"create or replace temp view segment_values as {self.segment_values(question['attributes'])}")
        settings = question["settings"].replace("{mean}", self.mean())
        cursor.execute(f"create or replace temp table settings as {settings}")
        (self.settings,) = rows_of(cursor, "from settings")
        self.rows: int = self.settings["rows"]

    @property
    def unreadable(self) -> str | None:
        """Why the table cannot be read, where it cannot."""
        if self.columns[self.table] != [UNREADABLE]:
            return None
        return (self.cursor.execute(f"select {UNREADABLE} from {self.table}").fetchone() or ("",))[0]

    def facts(self, instants: dict[str, str]) -> str:
        """A query: the instants of all facts that the default of as_of_date comes from, a column of a table each."""
        parts = [
            f"select '{table}' as raw_table, as_instant({column}) as fact_at from {table}"
            for table, column in instants.items()
            if column in self.columns[table]
        ]
        return " union all ".join(parts) or "select '' as raw_table, timestamp '1970-01-01' as fact_at where false"

    def segment_values(self, attributes: list[str]) -> str:
        """A query: the values of the columns of customers that the var segments names."""
        there = self.columns["customers"]
        parts = [
            f"select {text('customers.' + name)} as place, cast({quoted(name)} as varchar) as value from customers"
            for name in attributes
            if name.lower() in there
        ]
        return " union all ".join(parts) or "select '' as place, '' as value where false"

    def mean(self) -> str:
        """SQL of the mean that the next build compares."""
        if self.suite.mean not in self.columns[self.table]:
            return "cast(null as double)"
        return f"(select avg(as_double({self.suite.mean})) from {self.table})"

    def lacks(self, expectation: Any) -> list[str]:
        """The missing columns, as table.column, without which an expectation cannot be run."""
        if expectation.configuration.type == HAS_COLUMNS:
            return []
        arguments, meta = expectation.configuration.kwargs, expectation.meta or {}
        query = str(arguments.get("unexpected_rows_query", ""))
        words = {*re.findall(r"\w+", query), arguments.get("column"), meta.get("column")}
        return [
            f"{table}.{column}"
            for table, columns in self.missing.items()
            if table == self.table or table in words
            for column in columns
            if column in words
        ]

    def in_words(self, expectation: Any) -> str:
        """The description on one line, with settings put in for their names in braces."""
        words = " ".join((expectation.description or "").split())
        return re.sub(r"\{(\w+)\}", lambda name: str(self.settings.get(name[1], name[0])), words)

    def outcome(self, expectation: Any, **facts: Any) -> Outcome:
        """An outcome of an expectation, with what is known of it."""
        return Outcome(
            self.table, self.rows, column_of(expectation), expectation.configuration.type, self.in_words(expectation),
            expectation.severity.value, meta=expectation.meta or {}, **facts,
        )  # fmt: skip

    def validate(self) -> list[Outcome]:
        """Run the expectations; an Outcome for each that can be run, in their order.

        Cheap first: whether each holds. Then the details of those that do not, or that may set rows aside.
        Raises SuiteError where an expectation cannot be run though its columns are there.
        """
        if self.unreadable is not None:
            words = f"cannot be read: {self.unreadable}"
            return [Outcome(self.table, 0, None, "readable", words, "critical", success=False)]
        batch = batch_of(self.cursor, self.table)
        outcomes = []
        for expectation in self.suite.expectations:
            lacking = self.lacks(expectation)
            if lacking:
                outcomes.append(self.outcome(expectation, lacking=lacking))
                continue
            result = run(batch, expectation, "BOOLEAN_ONLY")
            outcomes.append(self.outcome(expectation, success=result.success))
            if not result.success or outcomes[-1].meta.get("quarantine"):
                self.look_closer(outcomes[-1], batch, expectation)
        return outcomes

    def look_closer(self, outcome: Outcome, batch: Any, expectation: Any) -> None:
        """Find out how many rows fail, which values they have, and where."""
        if outcome.type == HAS_COLUMNS:
            wanted = sorted(expectation.configuration.kwargs["column_set"])
            outcome.found = [self.with_nearest(name) for name in wanted if name not in self.columns[self.table]]
            return
        query = expectation.configuration.kwargs.get("unexpected_rows_query")
        if query:
            outcome.query = query.replace("{batch}", self.table)
        else:
            details = {
                "result_format": "SUMMARY", "partial_unexpected_count": 1, "return_unexpected_index_query": True,
                "unexpected_index_column_names": [
                    name for name in [*self.suite.key, "source_name"] if name in self.columns[self.table]
                ],
            }  # fmt: skip
            result = run(batch, expectation, details).result
            outcome.failed = result.get("unexpected_count")
            outcome.query = (result.get("unexpected_index_query") or "").rstrip("; \n")
            if not outcome.query:
                outcome.found = [str(result.get("observed_value"))]
                return
        returned = lowered(columns_of(self.cursor, f"({outcome.query})"))
        (outcome.failed,) = self.cursor.execute(f"select count(*) from ({outcome.query})").fetchone() or (0,)
        identifier = next((name for name in ["source_name", *self.suite.key] if name in returned), None)
        if identifier and "source_name" in self.columns[self.table]:  # ids of billing sources begin with their names
            outcome.sources = [
                (row["name"], row["times"])
                for row in rows_of(
                    self.cursor,
                    f"""
                    select split_part({identifier}, ':', 1) as name, count(*) as times
                    from ({outcome.query})
                    group by name
                    order by times desc, name
                    """,
                )
            ]
        if outcome.column not in returned:
            rows = plain(rows_of(self.cursor, f"from ({outcome.query}) limit {SAMPLES}"))
            outcome.found = [next(iter(row.values())) if len(row) == 1 else row for row in rows]
            return
        key = ", ".join(f"'{name}': {name}" for name in self.suite.key if name in returned)
        samples = rows_of(
            self.cursor,
            f"""
            select {outcome.column} as value, count(*) as times, {f"min({{{key}}})" if key else "null"} as key
            from ({outcome.query})
            group by {outcome.column}
            order by times desc, cast(value as varchar) nulls last
            limit {SAMPLES}
            """,
        )
        outcome.counts = [(plain(row["value"]), row["times"]) for row in samples]
        outcome.keys = [plain(row["key"] or {}) for row in samples]
        if outcome.meta.get("refers_to"):
            outcome.misspelt = self.misspelt(outcome)

    def misspelt(self, outcome: Outcome) -> list[tuple[Any, Any, int, bool]]:
        """The values that are no key of the table they refer to, but differ from one only by case, blanks or leading
        zeros; and whether it is by zeros.
        """
        significant = f"trim(leading '0' from plain_text({outcome.column}))"
        rows = rows_of(
            self.cursor,
            f"""
            select
                {outcome.column} as value,
                known.value as known,
                count(*) as times,
                bool_or(plain_text({outcome.column}) <> plain_text(known.value)) as by_zeros
            from ({outcome.query})
            inner join (
                select {significant} as significant, min({outcome.column}) as value
                from {outcome.meta["refers_to"]}
                group by {significant}
            ) as known on {significant} = known.significant
            group by {outcome.column}, known.value
            order by times desc, cast({outcome.column} as varchar)
            """,
        )
        return [(plain(row["value"]), plain(row["known"]), row["times"], row["by_zeros"]) for row in rows]

    def with_nearest(self, column: str) -> str:
        """A missing column, with the one that is there and may be meant."""
        others = {name.strip(): name for name in self.columns[self.table] if name not in self.known[self.table]}
        near = difflib.get_close_matches(column, others, n=1, cutoff=0.5)
        return f"{column!r}" + (f" (there is {others[near[0]]!r})" if near else "")


def batch_of(cursor: Cursor, table: str) -> Any:
    """The view of a raw table as Great Expectations validates it."""
    library = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import StaticPool

    from plugins.duckdb_dialect import Connection

    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(
        "duckdb",
        connection_string="guard://",
        kwargs={"creator": lambda: Connection(cursor), "poolclass": StaticPool},
    )
    return source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all").get_batch()


def column_of(expectation: Any) -> str | None:
    """The column that an expectation is about, where it is about one."""
    return expectation.configuration.kwargs.get("column") or (expectation.meta or {}).get("column")


def run(batch: Any, expectation: Any, result_format: Any) -> Any:
    """The result of an expectation. Raises SuiteError where it cannot be run."""
    result = batch.validate(expectation, result_format=result_format)
    information = result.exception_info or {}
    if "raised_exception" in information:
        information = {"": information}
    messages = {str(found["exception_message"]) for found in information.values() if found["raised_exception"]}
    if messages:
        table, column = batch.data_asset.name, column_of(expectation)
        why = " ".join(" ".join(sorted(messages)).split()).split(" LINE ")[0].split(" [SQL: ")[0]
        raise SuiteError(
            f"expectations/{table}.yml: {table}{f'.{column}' if column else ''} "
            f"{' '.join(expectation.description.split())}: cannot be run: {why}"
        )
    return result


def settle(outcome: Outcome) -> bool:
    """Whether rows may be set aside: the expectation opts in, and no more of them fail than it tolerates."""
    if not outcome.meta.get("quarantine") or not outcome.failed:
        return False
    kept = outcome.rows - outcome.failed
    outcome.success = outcome.success or kept >= outcome.meta.get("mostly", 1) * outcome.rows - 1e-9
    return outcome.success


def set_aside(guard: Guard, build_id: str, outcome: Outcome) -> None:
    """Put the rows that fail into quarantine: those that are equal in all columns that the query returns.

    Raises SuiteError where these do not hold the key, so that good rows could be among them.
    """
    table, returned = outcome.table, lowered(columns_of(guard.cursor, f"({outcome.query})"))
    missing = [name for name in guard.suite.key if name not in returned]
    if missing:
        raise SuiteError(
            f"expectations/{table}.yml: to set rows aside, the query ({outcome.words}) must return "
            f"{', '.join(missing)}, their key"
        )
    same = [name for name in guard.columns[table] if name in returned]
    is_bad = " and ".join(f"bad.{quoted(name)} is not distinct from {table}.{quoted(name)}" for name in same)
    key = ", ".join(f"'{name}': {name}" for name in guard.suite.key)
    (outcome.quarantined,) = guard.cursor.execute(
        f"""
        insert into quality.quarantine
        select ?, ?, to_json({{{key}}}), to_json({table}), ?, md5(cast(to_json({table}) as varchar))
        from {table}
        where exists (select 1 from ({outcome.query}) as bad where {is_bad})
        """,
        [build_id, table, f"{outcome.column or table} {outcome.words}"],
    ).fetchone() or (0,)


def record(guard: Guard, build_id: str, outcomes: list[Outcome]) -> None:
    """Keep every outcome, and set aside the rows that an expectation wants quarantined. One transaction."""
    cursor = guard.cursor
    cursor.execute("begin")
    cursor.execute("delete from quality.quarantine where raw_table = ?", [guard.table])
    for outcome in outcomes:
        if settle(outcome):
            set_aside(guard, build_id, outcome)
        cursor.execute(
            """
            insert into quality.expectation_results by name
            select ? as build_id, cast(now() as timestamp) as checked_at, ? as raw_table, ? as column_name,
                ? as expectation, ? as description, ? as severity, ? as is_success, ? as rows_checked, ? as rows_failed,
                ? as samples, ? as failed_keys, ? as rows_quarantined, ? as message, ? as mean
            """,
            [
                build_id, outcome.table, outcome.column, outcome.type, outcome.words, outcome.severity,
                None if outcome.lacking else outcome.success, outcome.rows, outcome.failed,
                json.dumps(outcome.samples), json.dumps(outcome.keys),
                outcome.quarantined, outcome.line, guard.settings["mean"],
            ],
        )  # fmt: skip
    cursor.execute("commit")


def compare(table: str, outcomes: list[Outcome], rendered: Row | None) -> None:
    """Compare with what SQL alone made of the same suite, where it was asked, too. Raises SuiteError if they differ."""
    if rendered is None:
        return
    if rendered["problem"]:
        raise SuiteError(rendered["problem"])

    def verdict(outcome: Row) -> tuple[Any, ...]:
        failed = None if outcome["success"] else outcome["failed"]
        return outcome["type"], outcome["column"], outcome["words"], outcome["success"], outcome["lacking"], failed

    for ours, theirs in zip([asdict(outcome) for outcome in outcomes], rendered["outcomes"], strict=True):
        if verdict(ours) != verdict(theirs):
            raise SuiteError(
                f"expectations/{table}.yml: Great Expectations finds {verdict(ours)}, the same in SQL {verdict(theirs)}"
            )


def run_expectations(cursor: Cursor, question: Row) -> Row:
    """Guard one raw table: the number of warnings, and what is critical as text."""
    try:
        with LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            guard = Guard(cursor, question)
            outcomes = guard.validate()
            record(guard, question["build_id"], outcomes)
            compare(question["table"], outcomes, question.get("rendered"))
    except (SuiteError, duckdb.Error) as problem:
        return {"warnings": 0, "critical": f"critical: {question['table']} could not be guarded: {problem}"}

    critical = [outcome.line for outcome in outcomes if outcome.level == "critical" and outcome.line]
    warned = [outcome.line for outcome in outcomes if outcome.level == "warning" and outcome.line]
    for outcome in outcomes:
        if outcome.level and not critical:
            getattr(LOG, outcome.level)(outcome.line)
    return {"warnings": len(warned), "critical": "\n  ".join(critical + warned if critical else [])}


class Plugin(BasePlugin):
    """Registers `run_expectations` and `look_at_files` on dbt's connection."""

    def configure_connection(self, connection: Cursor) -> None:
        """Give SQL the two functions: text in, text out, both JSON."""
        reference = weakref.ref(connection)  # a function that held the connection would keep the file open

        def own_cursor() -> contextlib.closing[Cursor]:
            """A cursor beside dbt's, whose open transaction is not touched."""
            living = reference()
            assert living  # it is this connection that calls the functions
            return contextlib.closing(living.cursor())

        def look(question: str) -> str:
            with own_cursor() as cursor:
                return json.dumps(look_at_files(cursor, json.loads(question)))

        def guard(question: str) -> str:
            with own_cursor() as cursor:
                return json.dumps(run_expectations(cursor, json.loads(question)))

        for name, function in (("run_expectations", guard), ("look_at_files", look)):
            connection.create_function(name, function, ["VARCHAR"], "VARCHAR", side_effects=True)
