"""The readers' file: written beside the old one, put in its place at once, and brought back."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from dbt.version import __version__ as dbt_version
from filelock import FileLock, Timeout

from plugins.sql import columns_of, quoted, reason, text

PROJECT = Path(__file__).resolve().parents[1]
STORAGE_VERSION = "v1.2.0"  # what DuckDB 1.2 and later can open
PARQUET_BUILDS_KEPT = 3
SHORT = 8  # digits of a build id that are enough to tell builds apart
NO_DATA = "raw tables without a row"  # where there is no as_of_date

PRIVATE, READERS = "retention_private", "retention_readers"  # databases, where these files are attached

# The one row per mart that says what readers have. The comments are for them.
PUBLISHED = {
    "mart": ("varchar", "Table of this file that the row is about."),
    "row_count": ("bigint", "Its rows."),
    "build_id": ("varchar", "The build that made it: the invocation id of dbt. One and the same in all rows."),
    "as_of_date": ("date", "First date that the build did not know yet."),
    "published_at": ("timestamp", "When it was published, in UTC."),
    "dbt_version": ("varchar", "Version of dbt that built it."),
    "duckdb_version": ("varchar", "Version of DuckDB that built it."),
    "git_commit": ("varchar", "Commit of the project; null where it is not in git."),
    "is_demo": ("boolean", "Whether the raw tables are those of the bundled demo."),
    "currency": ("varchar", "Currency of all money: the var reporting_currency."),
    "vars": ("varchar", "The vars that the build ran with, as JSON."),
}


class NotPublished(Exception):
    """Why a build that passed cannot be published, as a sentence."""


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file, or which files are in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def publishing(marts: Path, parquet: Path | None, wait: bool = True) -> Iterator[None]:
    """Be the only one who publishes to these places; what a killed build left there is gone.

    Without `wait`, leaves everything alone where somebody else is publishing. Raises NotPublished where the places
    cannot be written.
    """
    if not marts.parent.is_dir():
        raise NotPublished(f"{marts} cannot be written (there is no folder {marts.parent})")
    try:
        with contextlib.ExitStack() as locks:
            if parquet:
                parquet.mkdir(exist_ok=True)
            with contextlib.suppress(Timeout):
                for file in [Path(f"{marts}.lock")] + ([parquet / ".lock"] if parquet else []):
                    locks.enter_context(FileLock(file, timeout=-1 if wait else 0))
                remove_leftovers(marts, parquet)
            yield
    except OSError as error:
        raise NotPublished(f"{error.filename or marts} cannot be written ({error.strerror})") from error


def private_copy(marts: Path) -> Path:
    """The file in which a publication is prepared: beside the readers' file, so that a rename moves it there."""
    return Path(f"{marts}.new")


def second_name(marts: Path) -> Path:
    """Where the readers' file stands, too, while another takes its place."""
    return Path(f"{marts}.new.previous")


def previous_file(marts: Path) -> Path:
    """The file that was published before the readers' file: marts.previous.duckdb beside marts.duckdb."""
    return marts.with_name(f"{marts.stem}.previous{marts.suffix}")


def remove_leftovers(marts: Path, parquet: Path | None) -> None:
    """Remove what an unfinished publication leaves: files beside the readers', a folder of Parquet, the new pointer."""
    for path in (private_copy(marts), Path(f"{private_copy(marts)}.wal"), second_name(marts)):
        path.unlink(missing_ok=True)
    if parquet:
        shutil.rmtree(parquet / ".new", ignore_errors=True)
        (parquet / ".current").unlink(missing_ok=True)


def versions() -> dict[str, str | None]:
    """What builds: dbt, DuckDB and the commit of the project, None where it is not in git."""
    try:
        command = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
        finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        commit = finished.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = None
    return {"dbt_version": dbt_version, "duckdb_version": duckdb.__version__, "git_commit": commit}


def write_private_copy(
    cursor: duckdb.DuckDBPyConnection,
    path: Path,
    marts: list[dict[str, Any]],
    views: list[dict[str, Any]],
    origin: dict[str, Any],
    parquet: Path | None,
) -> None:
    """Copy the marts, and views on them, into a file of their own, in one transaction; the marts as Parquet, too.

    The views are those of macros/readers_views.sql; `origin` is what `published` says of all marts. Raises duckdb.Error
    or OSError where that fails.
    """
    cursor.execute(f"attach {text(path)} as {PRIVATE} (storage_version '{STORAGE_VERSION}')")
    published = f"{PRIVATE}.main.published"
    try:
        cursor.execute("begin")
        columns = ", ".join(f"{name} {type_}" for name, (type_, _) in PUBLISHED.items())
        cursor.execute(f"create table {published} ({columns})")
        said = {name: words for name, (_, words) in PUBLISHED.items()}
        comment(cursor, published, "One row per mart of this file: what was published, by which build.", said)
        for mart in sorted(marts, key=lambda mart: mart["name"]):
            table = f"{PRIVATE}.main.{quoted(mart['name'])}"
            # In order, so that equal marts are equal files, and readers who filter by the first columns skip the rest.
            cursor.execute(f"create table {table} as from {mart['relation']} order by all")
            described = {name: mart["columns"].get(name, "") for name in columns_of(cursor, table)}
            comment(cursor, table, mart["description"], described)
            (rows,) = cursor.execute(f"select count(*) from {table}").fetchall()[0]
            row = {"mart": mart["name"], "row_count": rows, **origin}
            places = ", ".join("?" * len(PUBLISHED))
            cursor.execute(f"insert into {published} values ({places})", [row[name] for name in PUBLISHED])
        for view in views:
            schema = f"{PRIVATE}.{quoted(view['schema'])}"
            name = f"{schema}.{quoted(view['name'])}"
            cursor.execute(f"create schema if not exists {schema}")
            cursor.execute(f"create view {name} as {view['select']}")
            comment(cursor, name, view["comment"], view["columns"], "view")
        cursor.execute("commit")
        cursor.execute(f"checkpoint {PRIVATE}")
        if parquet:
            for name in [mart["name"] for mart in marts] + ["published"]:
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


def comment(
    cursor: duckdb.DuckDBPyConnection, table: str, description: str, columns: dict[str, str], kind: str = "table"
) -> None:
    """Write the comments of a table or view and of its columns, name -> description."""
    cursor.execute(f"comment on {kind} {table} is {text(description.strip())}")
    for name, said in columns.items():
        if said:
            cursor.execute(f"comment on column {table}.{quoted(name)} is {text(said.strip())}")


def publish(
    cursor: duckdb.DuckDBPyConnection,
    marts_file: Path,
    parquet: Path | None,
    marts: list[dict[str, Any]],
    views: list[dict[str, Any]],
    build: dict[str, Any],
) -> None:
    """Put the marts where readers find them, all at once: before the rename they see the old file, after it the new.

    `build` has the columns of `published` that tell about it. Raises NotPublished, with everything left as readers
    know it.
    """
    origin = {**build, "published_at": datetime.now(UTC).replace(tzinfo=None)}
    with publishing(marts_file, parquet):
        new = parquet / ".new" if parquet else None
        try:
            if new:
                new.mkdir()
            write_private_copy(cursor, private_copy(marts_file), marts, views, origin, new)
            if parquet and new:
                sync(new)
                folder = parquet / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{build['build_id'][:SHORT]}"
                os.replace(new, folder)
            swap(private_copy(marts_file), marts_file)
            if parquet and new:
                point_to(parquet, folder)
        except duckdb.Error as error:
            raise NotPublished(f"{marts_file} cannot be written ({reason(error)})") from error
        finally:
            remove_leftovers(marts_file, parquet)


def swap(file: Path, marts: Path) -> None:
    """Have a file take the place of the readers' file, which becomes the previous one.

    The readers' file gets a second name first, so that at no moment there is none. Raises OSError.
    """
    kept = second_name(marts)
    if marts.exists():
        try:
            os.link(marts, kept)
        except OSError:  # a file system without hard links
            shutil.copyfile(marts, kept)
    # A log that somebody who wrote to the readers' file left behind belongs to that file, not to the new one.
    Path(f"{marts}.wal").unlink(missing_ok=True)
    os.replace(file, marts)
    if kept.exists():
        os.replace(kept, previous_file(marts))
    sync(marts.parent)


def point_to(parquet: Path, folder: Path) -> None:
    """Have the pointer `current` name a folder of Parquet files, and remove the oldest other builds."""
    os.symlink(folder.name, parquet / ".current")
    os.replace(parquet / ".current", parquet / "current")
    sync(parquet)
    builds = sorted(path for path in parquet.iterdir() if path.is_dir() and not path.is_symlink())
    for old in builds[:-PARQUET_BUILDS_KEPT]:
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def restore(marts_file: Path, parquet: Path | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Give readers the previous file back: what `published` says of it and of the one it replaces, which is kept.

    Raises NotPublished where there is none, or it cannot be read.
    """
    with publishing(marts_file, parquet):
        previous = previous_file(marts_file)
        if not previous.exists():
            raise NotPublished(f"there is no {previous}")
        restored, replaced = published_in(previous), published_in(marts_file)
        if not restored:
            raise NotPublished(f"{previous} cannot be read")
        swap(previous, marts_file)
        for folder in parquet.glob(f"*-{restored['build_id'][:SHORT]}") if parquet else []:
            point_to(folder.parent, folder)
        return restored, replaced


def published_in(marts_file: Path) -> dict[str, Any] | None:
    """What `published` says of the build in a file; None where there is no such file or it cannot be read.

    A file of an earlier version has fewer columns.
    """
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {text(marts_file)} as {READERS} (read_only)")
            cursor = connection.execute(f"select * exclude (mart, row_count) from {READERS}.main.published limit 1")
            names = [column[0] for column in cursor.description]
            return next((dict(zip(names, row)) for row in cursor.fetchall()), None)
    except duckdb.Error:
        return None


def named(published: dict[str, Any]) -> str:
    """The build of a row of `published`, for a sentence."""
    return f"the marts of {published['as_of_date'] or NO_DATA} (build {published['build_id'][:SHORT]})"


def readers_have(marts_file: Path, build_id: str | None = None) -> str:
    """A sentence: which marts readers see, seen from a build."""
    if not marts_file.exists():
        return "Readers have no marts yet."
    published = published_in(marts_file)
    if not published:
        return f"{marts_file} is left as it was; it cannot be read."
    if published["build_id"] == build_id:
        return f"Readers of {marts_file} have this build all the same."
    return f"Readers keep {named(published)}."


def facts(build: dict[str, Any], as_of_date: date | None) -> dict[str, Any]:
    """What a row of `published` says of a build, as the macros hand it over."""
    return {
        "build_id": build["build_id"],
        "as_of_date": as_of_date,
        "is_demo": build["is_demo"],
        "currency": build["vars"]["reporting_currency"],
        "vars": json.dumps(build["vars"], sort_keys=True),
    }
