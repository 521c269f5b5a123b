"""The way out: readers see the marts of whole builds that passed, and nothing else.

A dbt-duckdb plugin. It locks the warehouse before DuckDB opens it, and gives SQL the functions that
macros/publication.sql and macros/check_vars.sql call: `check_var_names` and `open_publication` when a build starts,
`compare_with_published` for the mart `build_changes`, `close_publication` when the build has ended,
`restore_publication` to go back. Each answers with lines to print and whether dbt must fail.
"""

import atexit
import contextlib
import difflib
import gc
import json
import os
import sys
import weakref
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from filelock import BaseFileLock, FileLock, Timeout

from plugins import changes, readers_file
from plugins.changes import CHANGES, SCRATCH
from plugins.readers_file import NO_DATA, SHORT, NotPublished, named, readers_have
from plugins.sql import counted, reason

PROJECT_NAME = "retention_marts"
NAMES_SHOWN = 5
Answer = dict[str, Any]


def answer(*lines: str, fails: bool = False, **more: object) -> Answer:
    """What the functions of the plugin answer with."""
    return {"lines": [line for line in lines if line], "fails": fails, **more}


def lock_warehouse(path: str) -> BaseFileLock:
    """Lock a warehouse for this process, until the lock is released. Raises DbtRuntimeError where another has it.

    A process may lock it again, as when it runs dbt twice and the first connection is not collected yet: that is
    collected then, since DuckDB would share it, with the functions it was given. The lock is free when it has been
    released as often as taken. It also ends with the process, however that ends.
    """
    file = Path(f"{path}.lock")
    lock = FileLock(file, timeout=0, thread_local=False, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        holder = file.read_text().strip() or "it has just started"
        raise DbtRuntimeError(
            f"Another process is at work on {path}: {holder}. Start again when it has ended."
        ) from error
    except OSError as error:
        raise DbtRuntimeError(f"The warehouse {path} cannot be written: {error.strerror}.") from error
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
    file.write_text(f"{command} (process {os.getpid()}, since {datetime.now():%H:%M:%S})")
    if lock.lock_counter > 1:
        gc.collect()
    return lock


def unknown_vars(given: list[str], known: list[str], project_folder: str, is_root: bool) -> list[str]:
    """A sentence for each var that nothing reads: on the command line or in the root project's dbt_project.yml.

    Where this project is installed as a package, other projects have vars of their own: there it is one that resembles
    a var of ours, or that is set for this package. Raises OSError or yaml.YAMLError where the file cannot be read.
    """
    project = yaml.safe_load((Path(project_folder) / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    in_file = project.get("vars") or {}
    ours = list(in_file.get(PROJECT_NAME) or {})
    problems = []
    for name in dict.fromkeys([*given, *in_file, *ours]):
        resembling = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if name not in [*known, PROJECT_NAME] and (is_root or resembling or name in ours):
            hint = f"; did you mean {resembling[0]}?" if resembling else f". There are: {', '.join(known)}"
            problems.append(f"nothing reads the var '{name}'{hint}")
    return problems


def headlines(cursor: duckdb.DuckDBPyConnection, relations: dict[str, str]) -> tuple[list[str], str]:
    """The latest month in a line each for subscriptions and orders, mart -> relation; and the mart of the first."""
    lines, first = [], ""
    last_month = """
        where period_grain = 'month' and segment = 'all'
        order by is_complete desc, period_start_date desc
        limit 1
    """
    if {"customer_churn_by_period", "mrr_churn_by_period"} <= relations.keys():
        rows = cursor.execute(f"""
            select period_start_date, is_complete, opening_customers, churned_customers, churn_rate, closing_mrr
            from {relations["customer_churn_by_period"]}
            inner join (
                select period_grain, period_start_date, segment, segment_value, closing_mrr
                from {relations["mrr_churn_by_period"]}
            ) using (period_grain, period_start_date, segment, segment_value)
            {last_month}
        """).fetchall()
        for month, is_complete, opening, churned, rate, mrr in rows:
            first = "customer_churn_by_period"
            left = f"{churned:,} left" + (f" ({100 * rate:.1f} %)" if rate is not None else "")
            lines.append(f"{month_name(month, is_complete)}: {counted(opening, 'customer')}, {left}, MRR {mrr:,.2f}")
    if "repeat_purchase_by_period" in relations:
        query = f"select period_start_date, is_complete, orders, revenue from {relations['repeat_purchase_by_period']}"
        for month, is_complete, orders, revenue in cursor.execute(query + last_month).fetchall():
            first = first or "repeat_purchase_by_period"
            lines.append(f"{month_name(month, is_complete)}: {counted(orders, 'order')}, revenue {revenue:,.2f}")
    return lines, first


def month_name(month: datetime, is_complete: bool) -> str:
    """A month for a person."""
    return f"{month:%B %Y}" + ("" if is_complete else " so far")


def sql_function(
    connection: weakref.ref[duckdb.DuckDBPyConnection], function: Callable[[duckdb.DuckDBPyConnection, Any], Answer]
) -> Callable[[str], str]:
    """A function of (cursor, argument) as SQL calls it: with JSON, on a cursor of a weakly referenced connection."""

    def call(argument: str) -> str:
        open_connection = connection()
        assert open_connection, "SQL runs on it"
        with contextlib.closing(open_connection.cursor()) as cursor:
            return json.dumps(function(cursor, json.loads(argument)))

    return call


class Plugin(BasePlugin):
    """See the module."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Where to publish: `marts`, a file, and `parquet`, a folder or nothing."""
        self.named = plugin_config.get("marts") or "marts.duckdb"
        self.marts = Path(os.path.realpath(self.named))
        parquet = plugin_config.get("parquet")
        self.parquet = Path(os.path.realpath(parquet)) if parquet else None
        self.unfinished: str | None = None  # the id of a build that has started and not said how it ended
        self.lock: BaseFileLock | None = None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Lock the warehouse, right before DuckDB opens it. Raises DbtRuntimeError where another process has it."""
        if self.lock is None and not self.in_memory():
            self.lock = lock_warehouse(os.path.realpath(creds.path))

    def in_memory(self) -> bool:
        """Whether the warehouse is no file of this machine."""
        return self.creds.path.startswith((":memory:", "md:", "motherduck:"))

    def unlock(self) -> None:
        """The connection is closed: let others in, but not in the middle of a build, where dbt opens it again."""
        if self.lock is not None and not self.unfinished:
            self.lock.release()
            self.lock = None

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Give SQL the functions of the module, and a place for the changes that leaves nothing in the warehouse."""
        conn.execute(f"attach if not exists ':memory:' as {SCRATCH}")
        conn.execute(CHANGES)
        weakref.finalize(conn, self.unlock)
        connection = weakref.ref(conn)  # a function that held the connection would keep the file open
        for function in (
            self.check_var_names, self.open_publication, self.compare_with_published, self.close_publication,
            self.restore_publication,
        ):  # fmt: skip
            call = sql_function(connection, function)
            conn.create_function(function.__name__, call, ["VARCHAR"], "VARCHAR", side_effects=True)

    def check_var_names(self, cursor: duckdb.DuckDBPyConnection, names: dict[str, Any]) -> Answer:
        """The vars that nothing reads, a line each."""
        problems = unknown_vars(**names)
        return answer(*problems, fails=bool(problems))

    def open_publication(self, cursor: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> Answer:
        """A build has started: see that it can be published and clear away what killed ones left."""
        try:
            if not self.in_memory() and self.marts == Path(os.path.realpath(self.creds.path)):
                raise NotPublished("RETENTION_MARTS and RETENTION_WAREHOUSE are the same file")
            published = readers_file.published_in(self.marts)
            if build["is_demo"] and published and not published["is_demo"]:
                raise NotPublished(
                    f"this is a build of the bundled demo, and {self.named} holds {named(published)} of your own data. "
                    "Set raw_location or raw_schema to build these, or RETENTION_MARTS to another file for the demo"
                )
            with readers_file.publishing(self.marts, self.parquet, wait=False):
                self.unfinished = build["build_id"]
                atexit.register(self.say_unfinished)
                return answer()
        except NotPublished as error:
            return answer(f"Nothing can be published: {error}. {readers_have(self.marts)}", fails=True)

    def compare_with_published(self, cursor: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> Answer:
        """Fill the table of changes; a readers' file that cannot be read counts as none.

        The demo's numbers and those of other data have nothing to do with each other: these are not compared.
        """
        cursor.execute(f"delete from {SCRATCH}.main.changes")
        published = readers_file.published_in(self.marts)
        keyless = ", ".join(mart["name"] for mart in build["marts"] if not mart["keys"])
        if keyless:
            keyless = f"Warning: no uniqueness test names the key of {keyless}, so build_changes leaves them out."
        try:
            if published and published["is_demo"] == build["is_demo"]:
                settings = changes.changed_settings(published, self.facts(cursor, build))
                changes.find_changes(cursor, self.marts, build["marts"], settings)
            elif not published and self.marts.exists():
                return answer(self.incomparable("it is not what was published"))
            return answer(keyless)
        except duckdb.Error as error:
            cursor.execute(f"delete from {SCRATCH}.main.changes")
            return answer(self.incomparable(reason(error)))

    def incomparable(self, cause: str) -> str:
        """A warning."""
        return f"Warning: {self.marts} cannot be read ({cause}), so build_changes compares with nothing."

    def facts(self, cursor: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> dict[str, Any]:
        """What `published` says of a build and of what builds it."""
        as_of_date = cursor.execute(f"select as_of_date from {build['as_of_date']}").fetchall()[0][0]
        return {**readers_file.facts(build, as_of_date), **readers_file.versions()}

    def close_publication(self, cursor: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> Answer:
        """A command has ended: publish the build, or say why not."""
        self.unfinished = None
        failed, missing = build["failed"], build["missing"]
        built = f"{build['expected'] - missing} of {build['expected']} nodes"
        if build["command"] != "build":
            cause = f"dbt {build['command']} does not publish, dbt build does"
        elif failed:
            names = ", ".join(failed[:NAMES_SHOWN]) + (", ..." if len(failed) > NAMES_SHOWN else "")
            count = "1 node failed or was" if len(failed) == 1 else f"{len(failed)} nodes failed or were"
            cause = f"{count} skipped ({names})"
            if build["is_retry"]:
                cause += ". dbt retry reads no CSV file again: run the whole dbt build once more"
        elif build["empty"]:
            cause = "a build with --empty or --sample has no facts"
        elif missing and build["is_retry"]:
            cause = f"dbt retry built {built}, the others may have read other files. Run the whole dbt build once more"
        elif missing:
            cause = f"a selection was built, {built}"
        else:
            return self.publish(cursor, build)
        return answer(f"Not published: {cause}. {readers_have(self.marts)}", published=False)

    def publish(self, cursor: duckdb.DuckDBPyConnection, build: dict[str, Any]) -> Answer:
        """Publish a build that passed, if it restates no more than it may."""
        marts, build_id = build["marts"], build["build_id"]
        relations = {mart["name"]: mart["relation"] for mart in marts}
        try:
            facts = self.facts(cursor, build)
            before = readers_file.published_in(self.marts)
            comparable = before if before and before["is_demo"] == build["is_demo"] else None
            warning = ""
            if comparable:
                settings = changes.changed_settings(comparable, facts)
                warning = self.refuse_restatement(cursor, relations, build["vars"], settings)
            readers_file.publish(cursor, self.marts, self.parquet, marts, build["views"], facts)
        except NotPublished as error:
            return answer(f"Not published: {error}. {readers_have(self.marts, build_id)}", fails=True)
        except BaseException:
            self.unfinished = build_id
            raise
        lines, mart = headlines(cursor, relations)
        lines.insert(0, warning)
        state = f"as of {facts['as_of_date']}" if facts["as_of_date"] else f"of {NO_DATA}"
        place = self.named + (f" and {self.parquet}" if self.parquet else "")
        lines.append(f"Published {len(marts)} marts to {place} (build {build_id[:SHORT]}, {state}).")
        if comparable and "build_changes" in relations:
            counts = f"select count(*), count(*) filter (where was_complete) from {relations['build_changes']}"
            changed, restated = cursor.execute(counts).fetchall()[0]
            tell = (
                f"{changed:,} published numbers changed, {restated:,} of complete periods: see build_changes_by_month."
            )
            lines.append(tell if changed else "No published number changed.")
        if mart:
            lines += self.how_to_look(mart, build["is_root"])
        return answer(*lines, published=True)

    def how_to_look(self, mart: str, is_root: bool) -> list[str]:
        """The ways to see what was published. Where this project is a package of another, its Makefile is not there."""
        query = f"select * from marts.{mart} where period_grain = 'month' and segment = 'all'"
        ask = f'dbt show --limit 36 --inline "{query} order by period_start_date desc"'
        if not is_root:
            return [f"Look: {ask}"]
        is_found = self.named == (os.environ.get("RETENTION_MARTS") or "marts.duckdb")
        make = "make" if is_found else f"RETENTION_MARTS={self.named} make"
        return [f"Look: {make} board, then open board/index.html; {make} look has filters.", f"Or ask: {ask}"]

    def refuse_restatement(
        self, cursor: duckdb.DuckDBPyConnection, relations: dict[str, str], given: dict[str, Any], settings: list[str]
    ) -> str:
        """Compare complete months with the published ones; a warning where these cannot be read.

        Raises NotPublished where more of them changes than the vars allow, unless they accept that.
        """
        try:
            found = changes.restatements(cursor, self.marts, relations)
        except duckdb.Error as error:
            return f"Warning: {self.marts} cannot be read ({reason(error)}), so the restatement_limit held for nothing."
        limit = given["restatement_limit"]
        beyond = [restatement for restatement in found if restatement.share > limit]
        if beyond and not given["accept_restatement"]:
            since = f"since the published build these have changed: {', '.join(settings)}. " if settings else ""
            raise NotPublished(
                f"{since}{'T' if since else 't'}his build changes complete months that readers have: "
                f"{'; '.join(map(str, beyond))}. The var restatement_limit allows {100 * limit:g} %. "
                "If the new numbers are right, build once more with the var accept_restatement: true"
            )
        return ""

    def restore_publication(self, cursor: duckdb.DuckDBPyConnection, argument: None) -> Answer:
        """Give readers the marts back that were published before."""
        try:
            restored, replaced = readers_file.restore(self.marts, self.parquet)
        except NotPublished as error:
            return answer(f"Nothing is restored: {error}. {readers_have(self.marts)}", fails=True)
        lines = [f"{self.named} holds {named(restored)} again."]
        if replaced:
            lines.append(f"{readers_file.previous_file(self.marts)} keeps {named(replaced)}.")
        builds = {"restored": restored["build_id"], "replaced": replaced and replaced["build_id"]}
        return answer(*lines, **builds)

    def say_unfinished(self) -> None:
        """At the end of the process: a build that was interrupted says so."""
        if self.unfinished:
            print(f"Not published: the build was interrupted. {readers_have(self.marts, self.unfinished)}", flush=True)
            self.unfinished = None
