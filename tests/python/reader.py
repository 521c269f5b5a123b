"""A reader of the published file, in a process and with DuckDB of its own: `python reader.py FILE [SECONDS [keep]]`.

Reads once, or over and over until it is ended. Each time it reads every row of every mart, whose blocks DuckDB checks,
counts them as `published` does, and prints one line: the build, or what is wrong. With `keep` it opens the file once
and reads by the same handle.
"""

import sys
import time

import duckdb


def build_in(cursor: duckdb.DuckDBPyConnection) -> str:
    """The build that the file holds, in all marts. Raises AssertionError where they are not of one build."""
    published = cursor.execute("select mart, row_count, build_id from readers.main.published").fetchall()
    tables = cursor.execute("select table_name from duckdb_tables() where database_name = 'readers'").fetchall()
    assert {row[0] for row in published} | {"published"} == {row[0] for row in tables}, "other tables than published"
    assert len({row[2] for row in published}) == 1, "marts of several builds"
    for mart, rows, _ in published:
        found = len(cursor.execute(f'select * from readers.main."{mart}"').fetchall())
        assert found == rows, f"{mart} is not what was published"
    build_id: str = published[0][2]
    return build_id


def opened(file: str) -> duckdb.DuckDBPyConnection:
    """A connection that has the file open."""
    connection = duckdb.connect()
    connection.execute(f"attach '{file}' as readers (read_only)")
    return connection


def main(file: str, seconds: str | None = None, keep: str | None = None) -> None:
    """See the module."""
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
