"""Texts of SQL, and what DuckDB says of relations and errors: what the plugins share."""

import duckdb


def quoted(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """A text literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def reason(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).strip().split("\n")[0].rstrip(".")


def columns_of(cursor: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a relation, name -> type. Raises duckdb.Error where there is no such relation."""
    return {row[0]: row[1] for row in cursor.execute(f"describe select * from {relation}").fetchall()}


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
