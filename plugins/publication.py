"""The way out: readers see the marts of whole builds that passed, and nothing else.

A dbt-duckdb plugin. It locks the warehouse before DuckDB opens it, and gives SQL three functions that
macros/publication.sql calls: `open_publication` when a build starts, `compare_with_published` for the mart
`build_changes`, `close_publication` when the build has ended. Each answers with one line to print and whether the
build must fail.
"""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import weakref
from datetime import datetime, timezone
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.version import __version__ as dbt_version
from dbt_common.exceptions import DbtRuntimeError

PROJECT = Path(__file__).resolve().parents[1]
STORAGE_VERSION = "v1.2.0"  # what DuckDB 1.2 and later can open
PARQUET_BUILDS_KEPT = 3
SHORT = 8  # digits of a build id that are enough to tell builds apart
NO_DATA = "raw tables without a row"  # where there is no as_of_date

LOCKS = {}  # path of a warehouse -> descriptors by which this process holds its lock

# Databases that the plugin attaches to dbt's own DuckDB.
PRIVATE, READERS, SCRATCH = "retention_private", "retention_readers", "retention_changes"

KEYS = "basis period_grain period_start_date cohort_start_date periods_since segment segment_value".split()
# What further keys of some marts are; in the table of changes they stand in one column.
FURTHER_KEYS = (
    "churn_definition lifecycle_stage from_stage to_stage from_plan_id to_plan_id churn_type reason tenure_band plan_id"
).split()
NUMBERS = ("DECIMAL", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT")
CHANGES = f"""
    create table if not exists {SCRATCH}.main.changes (
        mart varchar, basis varchar, period_grain varchar, period_start_date date, periods_since bigint,
        segment varchar, segment_value varchar, further_key varchar, was_complete boolean,
        column_name varchar, previous_value varchar, new_value varchar
    )
"""

# The one row per mart that says what readers have. The comments are for them.
PUBLISHED = {
    "mart": ("varchar", "Table of this file that the row is about."),
    "row_count": ("bigint", "Its rows."),
    "checksum": (
        "varchar",
        "Sum over its rows of a number: the first 15 hexadecimal digits of the md5 of the row's columns as text, in "
        "their order, null as chr(30), joined by chr(31). The order of the rows does not matter.",
    ),
    "build_id": ("varchar", "The build that made it: the invocation id of dbt. One and the same in all rows."),
    "as_of_date": ("date", "First date that the build did not know yet."),
    "published_at": ("timestamp", "When it was published, in UTC."),
    "dbt_version": ("varchar", "Version of dbt that built it."),
    "duckdb_version": ("varchar", "Version of DuckDB that built it."),
    "git_commit": ("varchar", "Commit of the project; null where it is not in git."),
    "is_demo": ("boolean", "Whether the raw tables are those of the bundled demo."),
}


class NotPublished(Exception):
    """Why a build that passed cannot be published, as a sentence."""


def quoted(name):
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value):
    """A text literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def reason(error):
    """The first line of an error's message."""
    return str(error).strip().split("\n")[0].rstrip(".")


def checksum_sql(columns):
    """The aggregate behind `published.checksum` over columns in their order."""
    row = ", ".join(f"coalesce(cast({quoted(column)} as varchar), chr(30))" for column in columns)
    digits = f"left(md5(concat_ws(chr(31), {row})), 15)"
    return f"cast(coalesce(sum(cast('0x' || {digits} as bigint)), 0) as varchar)"


def columns_of(cursor, relation):
    """The columns of a relation, name -> type. Raises duckdb.Error where there is no such relation."""
    return {row[0]: row[1] for row in cursor.execute(f"describe select * from {relation}").fetchall()}


def sync(path):
    """Have the disk hold what was written to a file, or which files are in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(path, wait=False):
    """Lock a file, made where it is missing: its descriptor, or None while another process has it.

    The kernel frees it when the descriptor is closed or the process ends, however it ends. Raises OSError where the
    file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def lock_warehouse(path):
    """Lock a warehouse for this process: a descriptor of the lock. Raises DbtRuntimeError where another has it.

    A process may lock it again, as when it runs dbt twice and the first connection is not collected yet: the lock is
    free when all its descriptors are closed by `unlock_warehouse`.
    """
    lock_file = Path(f"{path}.lock")
    held = LOCKS.setdefault(path, [])
    try:
        descriptor = os.dup(held[0]) if held else lock(lock_file)
    except OSError as error:
        raise DbtRuntimeError(f"The warehouse {path} cannot be written: {error.strerror}.") from error
    if descriptor is None:
        holder = lock_file.read_text().strip() or "it has just started"
        raise DbtRuntimeError(f"Another process is at work on {path}: {holder}. Start again when it has ended.")
    held.append(descriptor)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{command} (process {os.getpid()}, since {datetime.now():%H:%M:%S})".encode(), 0)
    return descriptor


def unlock_warehouse(path, descriptor):
    """Give back a descriptor of the lock of a warehouse."""
    LOCKS[path].remove(descriptor)
    os.close(descriptor)


@contextlib.contextmanager
def publishing(marts, parquet, wait=True):
    """Be the only one who publishes to these places; what a killed build left there is gone.

    Without `wait`, leaves everything alone where somebody else is publishing. Raises NotPublished where the places
    cannot be written.
    """
    descriptors = []
    try:
        for place, lock_file in ((marts, f"{marts}.lock"), (parquet, parquet and parquet / ".lock")):
            if place:
                if place == parquet:
                    place.mkdir(exist_ok=True)
                descriptors.append(lock(lock_file, wait))
        if None not in descriptors:
            remove_leftovers(marts, parquet)
        yield
    except OSError as error:
        raise NotPublished(f"{error.filename or marts} cannot be written ({error.strerror})") from error
    finally:
        for descriptor in descriptors:
            if descriptor is not None:
                os.close(descriptor)


def private_copy(marts):
    """The file in which a publication is prepared: beside the readers' file, so that a rename moves it there."""
    return Path(f"{marts}.new")


def remove_leftovers(marts, parquet):
    """Remove what an unfinished publication leaves: the private copy, the folder of Parquet files, the new pointer."""
    for path in (private_copy(marts), Path(f"{private_copy(marts)}.wal")):
        path.unlink(missing_ok=True)
    if parquet:
        shutil.rmtree(parquet / ".new", ignore_errors=True)
        (parquet / ".current").unlink(missing_ok=True)


def git_commit():
    """The commit of the project, None where there is none."""
    try:
        command = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def write_private_copy(cursor, path, marts, build_id, as_of_date, is_demo, parquet):
    """Copy the marts into a file of their own, in one transaction, and as Parquet if a folder is given.

    Raises duckdb.Error or OSError where that fails.
    """
    cursor.execute(f"attach {text(path)} as {PRIVATE} (storage_version '{STORAGE_VERSION}')")
    published = f"{PRIVATE}.main.published"
    try:
        cursor.execute("begin")
        columns = ", ".join(f"{name} {type_}" for name, (type_, _) in PUBLISHED.items())
        cursor.execute(f"create table {published} ({columns})")
        comment(cursor, published, "One row per mart of this file: what was published, by which build.", PUBLISHED)
        origin = [build_id, as_of_date, datetime.now(timezone.utc).replace(tzinfo=None), dbt_version]
        origin += [duckdb.__version__, git_commit(), is_demo]
        for mart in sorted(marts, key=lambda mart: mart["name"]):
            table = f"{PRIVATE}.main.{quoted(mart['name'])}"
            # In order, so that equal marts are equal files, and readers who filter by the first columns skip the rest.
            cursor.execute(f"create table {table} as from {mart['relation']} order by all")
            names = columns_of(cursor, table)
            described = {name: (None, mart["columns"].get(name)) for name in names}
            comment(cursor, table, mart["description"], described)
            facts = cursor.execute(f"select count(*), {checksum_sql(names)} from {table}").fetchone()
            places = ", ".join("?" * len(PUBLISHED))
            cursor.execute(f"insert into {published} values ({places})", [mart["name"], *facts, *origin])
        cursor.execute("commit")
        cursor.execute(f"checkpoint {PRIVATE}")
        for name in [mart["name"] for mart in marts] + ["published"] if parquet else []:
            file = parquet / f"{name}.parquet"
            cursor.execute(f"copy {PRIVATE}.main.{quoted(name)} to {text(file)} (format parquet)")
            sync(file)
    finally:
        for statement in ("rollback", f"detach {PRIVATE}"):
            with contextlib.suppress(duckdb.Error):
                cursor.execute(statement)
    if Path(f"{path}.wal").exists():
        raise OSError(None, "its write-ahead log was left behind", str(path))
    sync(path)


def comment(cursor, table, description, columns):
    """Write the comments of a table and of its columns, name -> (type, description)."""
    cursor.execute(f"comment on table {table} is {text(description.strip())}")
    for name, (_, said) in columns.items():
        if said:
            cursor.execute(f"comment on column {table}.{quoted(name)} is {text(said.strip())}")


def publish(cursor, marts_file, parquet, marts, build_id, as_of_date, is_demo):
    """Put the marts where readers find them, all at once: before the rename they see the old file, after it the new.

    Raises NotPublished, with everything left as readers know it.
    """
    with publishing(marts_file, parquet):
        new = parquet and parquet / ".new"
        try:
            if new:
                new.mkdir()
            write_private_copy(cursor, private_copy(marts_file), marts, build_id, as_of_date, is_demo, new)
            # A log that somebody who wrote to the readers' file left behind belongs to that file, not to the new one.
            Path(f"{marts_file}.wal").unlink(missing_ok=True)
            if new:
                sync(new)
                folder = parquet / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{build_id[:SHORT]}"
                os.replace(new, folder)
            os.replace(private_copy(marts_file), marts_file)
            sync(marts_file.parent)
            if new:
                point_to(parquet, folder)
        except duckdb.Error as error:
            raise NotPublished(f"{marts_file} cannot be written ({reason(error)})") from error
        finally:
            remove_leftovers(marts_file, parquet)


def point_to(parquet, folder):
    """Have the pointer `current` name a folder of Parquet files, and remove the oldest other builds."""
    os.symlink(folder.name, parquet / ".current")
    os.replace(parquet / ".current", parquet / "current")
    sync(parquet)
    builds = sorted(path for path in parquet.iterdir() if path.is_dir() and not path.is_symlink())
    for old in builds[:-PARQUET_BUILDS_KEPT]:
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def reading(marts_file):
    """A cursor of a DuckDB of its own with the readers' file as the database READERS. Raises duckdb.Error.

    Not by dbt's connection, which a damaged file must not take down.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {text(marts_file)} as {READERS} (read_only)")
        yield connection


def readers_have(marts_file, build_id=None):
    """A sentence: which marts readers see, seen from a build."""
    if not marts_file.exists():
        return "Readers have no marts yet."
    try:
        with reading(marts_file) as readers:
            published = readers.execute(f"select as_of_date, build_id from {READERS}.main.published").fetchone()
    except duckdb.Error:
        published = None
    if not published:
        return f"{marts_file} is left as it was; it cannot be read."
    if published[1] == build_id:
        return f"Readers of {marts_file} have this build all the same."
    return f"Readers keep the marts of {published[0] or NO_DATA} (build {published[1][:SHORT]})."


def find_changes(cursor, marts_file, marts, is_demo):
    """Fill the table of changes: published numbers of these marts, name -> relation, that this build has otherwise.

    The demo's numbers and those of other data have nothing to do with each other: these are not compared.
    Raises duckdb.Error or ValueError where the readers' file is not what was published.
    """
    cursor.execute(f"delete from {SCRATCH}.main.changes")
    if not marts_file.exists():
        return
    with reading(marts_file) as readers:
        query = f"select mart, checksum from {READERS}.main.published where is_demo = {is_demo}"
        published = dict(readers.execute(query).fetchall())
        for mart in sorted(published.keys() & marts.keys()):
            table = f"{READERS}.main.{quoted(mart)}"
            found = readers.execute(f"select {checksum_sql(columns_of(readers, table))} from {table}").fetchone()[0]
            if found != published[mart]:
                raise ValueError(f"the checksum of {mart} is not the published one")
    cursor.execute(f"attach {text(marts_file)} as {READERS} (read_only)")
    try:
        for mart in sorted(published.keys() & marts.keys()):
            find_changes_of(cursor, mart, f"{READERS}.main.{quoted(mart)}", marts[mart])
    finally:
        cursor.execute(f"detach {READERS}")


def find_changes_of(cursor, mart, earlier, current):
    """Add the changes of one mart from its published relation to the one of this build, by its keys.

    Only the rows that are not the same in both are taken apart into columns.
    """
    old, new = columns_of(cursor, earlier), columns_of(cursor, current)
    further_keys = [name for name in FURTHER_KEYS if name in new]
    keys = [name for name in KEYS if name in new] + further_keys
    numbers = [name for name in new if name in old and name not in keys and new[name].startswith(NUMBERS)]
    if not numbers or not {*keys, "is_complete"} <= old.keys():
        return
    casts = ", ".join(f"try_cast({quoted(name)} as {new[name]}) as {quoted(name)}" for name in numbers)
    same, columns = ", ".join(keys), ", ".join([*keys, *map(quoted, numbers)])
    pairs = ", ".join(
        f"{{column_name: {text(name)}, previous_value: cast(earlier.{quoted(name)} as varchar),"
        f" new_value: cast(latest.{quoted(name)} as varchar)}}"
        for name in numbers
    )
    further = f"concat_ws(' / ', {', '.join(further_keys)})" if further_keys else "null"
    start = "period_start_date" if "period_start_date" in keys else "cohort_start_date"
    cursor.execute(f"""
        insert into {SCRATCH}.main.changes
        with
        earlier as (select {same}, is_complete, {casts} from {earlier}),
        latest as (select {columns} from {current}),
        differing as (select {columns} from earlier except select {columns} from latest),
        pairs as (
            select
                {text(mart)} as mart, {"basis" if "basis" in keys else "null"} as basis, period_grain,
                {start} as period_start_date, {"periods_since" if "periods_since" in keys else "null"} as periods_since,
                segment, segment_value, {further} as further_key, earlier.is_complete as was_complete,
                unnest([{pairs}], recursive := true)
            from differing
            inner join earlier using ({same})
            left join latest using ({same})
        )
        select * from pairs where previous_value is distinct from new_value
    """)


def sql_function(connection, function):
    """A function of (cursor, argument) as SQL calls it: with JSON, on a cursor of a weakly referenced connection."""

    def call(argument):
        with contextlib.closing(connection().cursor()) as cursor:
            return json.dumps(function(cursor, json.loads(argument)))

    return call


class Plugin(BasePlugin):
    """See the module."""

    def initialize(self, plugin_config):
        """Where to publish: `marts`, a file, and `parquet`, a folder or nothing."""
        self.named = plugin_config.get("marts") or "marts.duckdb"
        self.marts = Path(os.path.realpath(self.named))
        self.parquet = plugin_config.get("parquet") and Path(os.path.realpath(plugin_config["parquet"]))
        self.unfinished = None  # the id of a build that has started and not said how it ended
        self.lock = None  # path of the warehouse and the descriptor of its lock

    def update_connection_config(self, creds, config):
        """Lock the warehouse, right before DuckDB opens it. Raises DbtRuntimeError where another process has it."""
        if self.lock is None and not self.in_memory():
            path = os.path.realpath(creds.path)
            self.lock = (path, lock_warehouse(path))

    def in_memory(self):
        """Whether the warehouse is no file of this machine."""
        return self.creds.path.startswith((":memory:", "md:", "motherduck:"))

    def unlock(self):
        """The connection is closed: let others in, but not in the middle of a build, where dbt opens it again."""
        if self.lock is not None and not self.unfinished:
            unlock_warehouse(*self.lock)
            self.lock = None

    def configure_connection(self, conn):
        """Give SQL the functions of the module, and a place for the changes that leaves nothing in the warehouse."""
        conn.execute(f"attach if not exists ':memory:' as {SCRATCH}")
        conn.execute(CHANGES)
        weakref.finalize(conn, self.unlock)
        connection = weakref.ref(conn)  # a function that held the connection would keep the file open
        for function in (self.open_publication, self.compare_with_published, self.close_publication):
            call = sql_function(connection, function)
            conn.create_function(function.__name__, call, ["VARCHAR"], "VARCHAR", side_effects=True)

    def open_publication(self, cursor, build_id):
        """A build has started: see that it can be published and clear away what killed ones left."""
        self.unfinished = build_id
        atexit.register(self.say_unfinished)
        try:
            if not self.in_memory() and self.marts == Path(os.path.realpath(self.creds.path)):
                raise NotPublished("RETENTION_MARTS and RETENTION_WAREHOUSE are the same file")
            with publishing(self.marts, self.parquet, wait=False):
                return {"fails": False, "line": ""}
        except NotPublished as error:
            self.unfinished = None
            return {"fails": True, "line": f"Nothing can be published: {error}. {readers_have(self.marts)}"}

    def compare_with_published(self, cursor, build):
        """Fill the table of changes; a readers' file that cannot be read counts as none."""
        try:
            find_changes(cursor, self.marts, build["marts"], build["is_demo"])
            return {"fails": False, "line": ""}
        except (duckdb.Error, ValueError, TypeError) as error:
            cursor.execute(f"delete from {SCRATCH}.main.changes")
            line = f"Warning: {self.marts} cannot be read ({reason(error)}), so build_changes compares with nothing."
            return {"fails": False, "line": line}

    def close_publication(self, cursor, build):
        """A build has ended: publish it, or say why not."""
        self.unfinished = None
        failed, missing = build["failed"], build["missing"]
        if failed:
            names = ", ".join(failed[:5]) + (", ..." if len(failed) > 5 else "")
            count = "1 node failed or was" if len(failed) == 1 else f"{len(failed)} nodes failed or were"
            cause = f"{count} skipped ({names})"
        elif build["empty"]:
            cause = "a build with --empty or --sample has no facts"
        elif missing:
            cause = f"a selection was built, {build['expected'] - missing} of {build['expected']} nodes"
        elif build["selected"]:
            cause = "a flag has left out a part of the project"
        else:
            return self.publish(cursor, build)
        return {"fails": False, "line": f"Not published: {cause}. {readers_have(self.marts)}"}

    def publish(self, cursor, build):
        """Publish a build that passed."""
        marts, build_id = build["marts"], build["build_id"]
        as_of_date = cursor.execute(f"select as_of_date from {build['as_of_date']}").fetchone()[0]
        try:
            publish(cursor, self.marts, self.parquet, marts, build_id, as_of_date, build["is_demo"])
        except NotPublished as error:
            return {"fails": True, "line": f"Not published: {error}. {readers_have(self.marts, build_id)}"}
        except BaseException:
            self.unfinished = build_id
            raise
        name = self.named + (f" and {self.parquet}" if self.parquet else "")
        state = f"as of {as_of_date}" if as_of_date else f"of {NO_DATA}"
        line = f"Published {len(marts)} marts to {name} (build {build_id[:SHORT]}, {state})."
        for relation in [mart["relation"] for mart in marts if mart["name"] == "build_changes"]:
            counts = f"select count(*), count(*) filter (where was_complete) from {relation}"
            changed, restated = cursor.execute(counts).fetchone()
            if changed:
                line += f" {changed} published numbers changed, {restated} of complete periods: see build_changes."
        return {"fails": False, "line": line}

    def say_unfinished(self):
        """At the end of the process: a build that was interrupted says so."""
        if self.unfinished:
            print(f"Not published: the build was interrupted. {readers_have(self.marts, self.unfinished)}", flush=True)
            self.unfinished = None
