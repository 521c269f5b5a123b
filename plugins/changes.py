"""What a build changes in published numbers: the rows of the mart `build_changes`, and whether it changes too many."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from plugins.readers_file import READERS, SHORT
from plugins.sql import columns_of, quoted, text

SCRATCH = "retention_changes"  # database of dbt's own DuckDB that holds what was found
# Keys with a column of their own in the table of changes; those that only some marts have stand in `further_key`.
KEYS = "basis period_grain period_start_date cohort_start_date periods_since segment segment_value".split()
NUMBERS = ("DECIMAL", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT")
NUMBER = "decimal(38, 10)"
CHANGES = f"""
    create table if not exists {SCRATCH}.main.changes (
        mart varchar, basis varchar, period_grain varchar, period_start_date date, periods_since bigint,
        segment varchar, segment_value varchar, further_key varchar, was_complete boolean,
        column_name varchar, previous_value {NUMBER}, new_value {NUMBER}, changed_settings varchar
    )
"""
# Settings that do not make a number another one.
OTHER_VARS = {"as_of_date", "restatement_limit", "accept_restatement"}
# What the restatement limit holds for, by month and in total.
LIMITED = {
    "repeat_purchase_by_period": ("revenue", "revenue"),
    "mrr_churn_by_period": ("closing_mrr", "closing MRR"),
    "customer_churn_by_period": ("closing_customers", "closing customers"),
}
MONTHS_NAMED = 3


@contextlib.contextmanager
def attached(cursor: duckdb.DuckDBPyConnection, marts_file: Path) -> Iterator[None]:
    """The readers' file as the database READERS of dbt's DuckDB. Raises duckdb.Error where it cannot be read."""
    cursor.execute(f"attach {text(marts_file)} as {READERS} (read_only)")
    try:
        yield
    finally:
        cursor.execute(f"detach {READERS}")


def published_tables(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of the attached readers' file."""
    query = f"select table_name from duckdb_tables() where database_name = '{READERS}'"
    return {row[0] for row in cursor.execute(query).fetchall()}


def changed_settings(published: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """The vars and versions that are others than in the published build, and an as_of_date that has gone back.

    Both are rows of `published`; what a file of an earlier version does not say is not compared.
    """
    before, after = (json.loads(row.get("vars") or "{}") for row in (published, current))
    names = sorted((before.keys() & after.keys()) - OTHER_VARS)
    pairs: list[tuple[str, Any, Any]] = [(name, before[name], after[name]) for name in names]
    for name in ("dbt_version", "duckdb_version"):
        pairs.append((name, published[name], current[name]))
    if published["git_commit"] and current["git_commit"]:
        pairs.append(("git_commit", published["git_commit"][:SHORT], current["git_commit"][:SHORT]))
    dates: list[date] = [row["as_of_date"] for row in (published, current) if row["as_of_date"]]
    if len(dates) == 2 and dates[1] < dates[0]:
        pairs.append(("as_of_date", dates[0], dates[1]))
    return [f"{name} from {shown(old)} to {shown(new)}" for name, old, new in pairs if old != new]


def shown(value: object) -> str:
    """A setting for a sentence."""
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else "nothing" if value is None else str(value)


def find_changes(
    cursor: duckdb.DuckDBPyConnection, marts_file: Path, marts: list[dict[str, Any]], settings: list[str]
) -> None:
    """Fill the table of changes: published numbers of these marts that this build has otherwise.

    Raises duckdb.Error where the readers' file cannot be read.
    """
    with attached(cursor, marts_file):
        published = published_tables(cursor)
        for mart in marts:
            if mart["name"] in published:
                earlier = f"{READERS}.main.{quoted(mart['name'])}"
                find_changes_of(cursor, mart, earlier, "; ".join(settings) or None)


def find_changes_of(
    cursor: duckdb.DuckDBPyConnection, mart: dict[str, Any], earlier: str, settings: str | None
) -> None:
    """Add the changes of one mart from its published relation to the one of this build, by its keys.

    Only the rows that are not the same in both are taken apart into columns. A mart without keys, or that was published
    without them, is left out.
    """
    old, new = columns_of(cursor, earlier), columns_of(cursor, mart["relation"])
    keys = mart["keys"]
    numbers = [name for name in new if name in old and name not in keys and new[name].startswith(NUMBERS)]
    if not keys or not numbers or not {*keys, "is_complete"} <= old.keys():
        return
    further_keys = [f"earlier.{quoted(name)}" for name in keys if name not in KEYS]
    own = {name: f"earlier.{name}" if name in keys else "null" for name in KEYS}
    same, columns = (", ".join(map(quoted, names)) for names in (keys, [*keys, *numbers]))
    casts = ", ".join(f"try_cast({quoted(name)} as {new[name]}) as {quoted(name)}" for name in numbers)
    matches = " and ".join(f"earlier.{key} is not distinct from {{0}}.{key}" for key in map(quoted, keys))
    pairs = ", ".join(
        f"{{column_name: {text(name)}, previous_value: try_cast(earlier.{quoted(name)} as {NUMBER}),"
        f" new_value: try_cast(latest.{quoted(name)} as {NUMBER})}}"
        for name in numbers
    )
    cursor.execute(f"""
        insert into {SCRATCH}.main.changes
        with
        earlier as (select {same}, is_complete, {casts} from {earlier}),
        latest as (select {columns} from {mart["relation"]}),
        differing as (select {columns} from earlier except select {columns} from latest),
        pairs as (
            select
                {text(mart["name"])} as mart, {own["basis"]} as basis, {own["period_grain"]} as period_grain,
                coalesce({own["period_start_date"]}, {own["cohort_start_date"]}) as period_start_date,
                {own["periods_since"]} as periods_since, {own["segment"]} as segment,
                {own["segment_value"]} as segment_value,
                {f"concat_ws(' / ', {', '.join(further_keys)})" if further_keys else "null"} as further_key,
                earlier.is_complete as was_complete,
                unnest([{pairs}], recursive := true)
            from differing
            inner join earlier on {matches.format("differing")}
            left join latest on {matches.format("latest")}
        )
        select *, {text(settings) if settings else "null"} from pairs where previous_value is distinct from new_value
    """)


@dataclass
class Restatement:
    """How much a build changes one measure of the months that were published as complete."""

    measure: str
    months: list[tuple[date, Any, Any]]  # month, before and after, of those that change; the largest change first
    before: Any  # sum over all months

    @property
    def share(self) -> float:
        """The absolute changes by the sum before; none where that is zero, of which there is no share."""
        changed = sum(abs((after or 0) - before) for _, before, after in self.months)
        return float(changed) / float(self.before) if self.before else 0.0

    def __str__(self) -> str:
        """For a sentence: how much of the measure changes in how many months, and in which most."""
        most = [
            f"{month:%Y-%m} from {amount(before)} to {amount(after)}"
            for month, before, after in self.months[:MONTHS_NAMED]
        ]
        count = len(self.months)
        where = f"in {count:,} months, most in " if count > MONTHS_NAMED else ""
        return f"{self.measure} by {100 * self.share:.1f} % ({where}{', '.join(most)})"


def amount(value: Any) -> str:
    """A count or an amount of money for a sentence; nothing where there is none any more."""
    return "nothing" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def restatements(cursor: duckdb.DuckDBPyConnection, marts_file: Path, relations: dict[str, str]) -> list[Restatement]:
    """What a build, mart -> relation, changes in complete months of the total. Raises duckdb.Error.

    A month that is no more has changed to nothing; one that was not published has not changed.
    """
    found = []
    with attached(cursor, marts_file):
        comparable = relations.keys() & published_tables(cursor)
        for mart, (column, measure) in LIMITED.items():
            if mart not in comparable:
                continue
            rows = cursor.execute(f"""
                select earlier.period_start_date, earlier.{column}, latest.{column}
                from {READERS}.main.{quoted(mart)} as earlier
                left join {relations[mart]} as latest using (period_grain, period_start_date, segment, segment_value)
                where period_grain = 'month' and segment = 'all' and earlier.is_complete
                order by abs(coalesce(latest.{column}, 0) - earlier.{column}) desc, period_start_date desc
            """).fetchall()
            months = [(month, before or 0, after) for month, before, after in rows]
            changed = [row for row in months if row[1] != (row[2] or 0)]
            found.append(Restatement(measure, changed, sum(abs(before) for _, before, _ in months)))
    return sorted(found, key=lambda restatement: -restatement.share)
