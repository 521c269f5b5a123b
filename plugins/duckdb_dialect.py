"""The least SQLAlchemy dialect by which Great Expectations can run its SQL on a DuckDB connection that dbt owns.

Great Expectations has no DuckDB source of its own. This dialect calls itself PostgreSQL, so that it takes the paths it
has for that database, and puts right what DuckDB says differently.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import duckdb
from sqlalchemy import pool, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import base as postgresql
from sqlalchemy.exc import NoSuchTableError

Row = tuple[Any, ...]

MOST_ROWS = 1_000  # Great Expectations shows 200 at most; what it aggregates is one row


class DBAPI:
    """The module that SQLAlchemy expects of a driver."""

    apilevel, paramstyle, threadsafety = "2.0", "qmark", 1
    Error = DatabaseError = DataError = IntegrityError = InterfaceError = duckdb.Error
    InternalError = NotSupportedError = OperationalError = ProgrammingError = Warning = duckdb.Error
    STRING = BINARY = NUMBER = DATETIME = ROWID = object()
    Binary = bytes


class Cursor:
    """Reads its result at once, because Great Expectations fetches after it has given the connection back."""

    arraysize = 1

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self.rowcount = connection, -1
        self.description: Any = None
        self.rows: list[Row] = []

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> "Cursor":
        result = self.connection.execute(sql, list(parameters or []))
        self.description = result.description
        self.rows = result.fetchmany(MOST_ROWS) if result.description else []
        self.rowcount = len(self.rows)
        return self

    def fetchone(self) -> Row | None:
        return self.rows.pop(0) if self.rows else None

    def fetchmany(self, size: int = 1) -> list[Row]:
        fetched, self.rows = self.rows[:size], self.rows[size:]
        return fetched

    def fetchall(self) -> list[Row]:
        fetched, self.rows = self.rows, []
        return fetched

    def close(self) -> None:
        self.rows = []


class Connection:
    """A connection that somebody else opens, commits and closes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def cursor(self) -> Cursor:
        return Cursor(self.connection)

    def commit(self) -> None:
        pass

    rollback = close = commit


class Type(types.UserDefinedType):
    """A column type under DuckDB's own name for it."""

    cache_ok = True

    def __init__(self, name: str = "VARCHAR") -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name


class Compiler(postgresql.PGCompiler):
    """Great Expectations writes PostgreSQL's ~ for a regular expression; DuckDB 1.x matched from end to end with it."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **keywords: Any) -> str:
        if operator.opstring not in ("~", "!~"):
            return super().visit_custom_op_binary(element, operator, **keywords)
        text, pattern = (self.process(side, **keywords) for side in (element.left, element.right))
        return f"{'not ' if operator.opstring == '!~' else ''}regexp_matches({text}, {pattern})"


class Dialect(postgresql.PGDialect):
    """PostgreSQL's dialect, with DuckDB's catalog."""

    name, driver = "postgresql", "guard"
    statement_compiler = Compiler
    default_paramstyle = "qmark"
    supports_statement_cache = True
    insert_returning = False
    colspecs: ClassVar[dict[Any, Any]] = {}

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**{**keywords, "dbapi": DBAPI})

    @classmethod
    def import_dbapi(cls) -> type[DBAPI]:
        return DBAPI

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:
        return pool.StaticPool

    def initialize(self, connection: Any) -> None:
        self.server_version_info, self.default_schema_name = (16, 0), "main"
        self._backslash_escapes = False

    def do_begin(self, connection: Any) -> None:
        pass

    def do_commit(self, connection: Any) -> None:
        pass

    do_rollback = do_commit

    def get_isolation_level_values(self, connection: Any) -> list[str]:
        return ["AUTOCOMMIT"]

    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        return ["main"]

    def get_table_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return []

    def get_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        rows = connection.exec_driver_sql("select view_name from duckdb_views() where temporary").fetchall()
        return [name for (name,) in rows]

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        return table_name in self.get_view_names(connection)

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> list[dict[str, Any]]:
        """The columns of a view. Raises NoSuchTableError where there is none."""
        rows = connection.exec_driver_sql(
            "select lower(column_name), data_type from information_schema.columns"
            " where table_name = ? and table_catalog = 'temp' order by ordinal_position",
            (table_name,),
        ).fetchall()
        if not rows:
            raise NoSuchTableError(table_name)
        return [{"name": name, "type": Type(kind), "nullable": True, "default": None} for name, kind in rows]

    def get_pk_constraint(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, *_: Any, **__: Any) -> list[Any]:
        return []

    get_indexes = get_unique_constraints = get_check_constraints = get_foreign_keys

    def get_table_comment(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"text": None}


registry.register("guard", __name__, "Dialect")
