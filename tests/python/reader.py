"""A reader of the published file, in a process and with DuckDB of its own: `python reader.py FILE [SECONDS [keep]]`.

Reads once, or over and over until it is ended. Each time it recomputes what `published` says of every mart, by
the documented recipe and not by the project's code, and prints one line: the build, or what is wrong. With `keep` it
opens the file once and reads by the same handle.
"""

import hashlib
import sys
import time

import duckdb


def checksum(cursor, mart):
    """`published.checksum` as its comment describes it."""
    names = [row[0] for row in cursor.execute(f'describe readers.main."{mart}"').fetchall()]
    columns = ", ".join(f'cast("{name}" as varchar)' for name in names)
    total = 0
    for row in cursor.execute(f'select {columns} from readers.main."{mart}"').fetchall():
        text = "\x1f".join("\x1e" if value is None else value for value in row)
        total += int(hashlib.md5(text.encode()).hexdigest()[:15], 16)
    return str(total)


def build_in(cursor):
    """The build that the file holds, in all marts. Raises AssertionError where they are not of one build."""
    published = cursor.execute("select mart, row_count, checksum, build_id from readers.main.published").fetchall()
    tables = cursor.execute("select table_name from duckdb_tables() where database_name = 'readers'").fetchall()
    assert {row[0] for row in published} | {"published"} == {row[0] for row in tables}, "other tables than published"
    assert len({row[3] for row in published}) == 1, "marts of several builds"
    for mart, rows, expected, _ in published:
        found = cursor.execute(f'select count(*) from readers.main."{mart}"').fetchone()[0]
        assert (found, checksum(cursor, mart)) == (rows, expected), f"{mart} is not what was published"
    return published[0][3]


def opened(file):
    """A connection that has the file open."""
    connection = duckdb.connect()
    connection.execute(f"attach '{file}' as readers (read_only)")
    return connection


def main(file, seconds=None, keep=None):
    connection = opened(file)
    while True:
        try:
            print("read", build_in(connection), flush=True)
        except Exception as error:
            print("wrong", repr(error), flush=True)
        if not seconds:
            break
        time.sleep(float(seconds))
        if not keep:
            try:
                connection.close()
                connection = opened(file)
            except Exception as error:
                print("wrong", repr(error), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
