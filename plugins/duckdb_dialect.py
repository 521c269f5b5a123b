"""The least SQLAlchemy dialect by which Great Expectations can run its SQL on a DuckDB connection that dbt owns.

Great Expectations has no DuckDB source of its own. This dialect calls itself PostgreSQL, so that it takes the paths it
has for that database, and puts right what DuckDB says differently.
"""

import duckdb
from sqlalchemy import pool, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import base as postgresql
from sqlalchemy.exc import NoSuchTableError

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

    def __init__(self, connection):
        self.connection, self.rows, self.description, self.rowcount = connection, [], None, -1

    def execute(self, sql, parameters=None):
        result = self.connection.execute(sql, list(parameters or []))
        self.description = result.description
        self.rows = result.fetchmany(MOST_ROWS) if result.description else []
        self.rowcount = len(self.rows)
        return self

    def fetchone(self):
        return self.rows.pop(0) if self.rows else None

    def fetchmany(self, size=1):
        fetched, self.rows = self.rows[:size], self.rows[size:]
        return fetched

    def fetchall(self):
        fetched, self.rows = self.rows, []
        return fetched

    def close(self):
        self.rows = []


class Connection:
    """A connection that somebody else opens, commits and closes."""

    def __init__(self, connection):
        self.connection = connection

    def cursor(self):
        return Cursor(self.connection)

    def commit(self):
        pass

    rollback = close = commit


class Type(types.UserDefinedType):
    """A column type under DuckDB's own name for it."""

    cache_ok = True

    def __init__(self, name="VARCHAR"):
        self.name = name

    def get_col_spec(self, **_):
        return self.name

    def __repr__(self):
        return self.name


class Compiler(postgresql.PGCompiler):
    """Great Expectations writes PostgreSQL's ~ for a regular expression; DuckDB 1.x matched from end to end with it."""

    def visit_custom_op_binary(self, element, operator, **keywords):
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
    colspecs = {}

    def __init__(self, **keywords):
        super().__init__(**{**keywords, "dbapi": DBAPI})

    @classmethod
    def import_dbapi(cls):
        return DBAPI

    @classmethod
    def get_pool_class(cls, url):
        return pool.StaticPool

    def initialize(self, connection):
        self.server_version_info, self.default_schema_name = (16, 0), "main"
        self._backslash_escapes = False

    def do_begin(self, connection):
        pass

    def do_commit(self, connection):
        pass

    do_rollback = do_commit

    def get_isolation_level_values(self, connection):
        return ["AUTOCOMMIT"]

    def get_schema_names(self, connection, **_):
        return ["main"]

    def get_table_names(self, connection, schema=None, **_):
        return []

    def get_view_names(self, connection, schema=None, **_):
        rows = connection.exec_driver_sql("select view_name from duckdb_views() where temporary").fetchall()
        return [name for (name,) in rows]

    def has_table(self, connection, table_name, schema=None, **_):
        return table_name in self.get_view_names(connection)

    def get_columns(self, connection, table_name, schema=None, **_):
        rows = connection.exec_driver_sql(
            "select column_name, data_type from information_schema.columns"
            " where table_name = ? and table_catalog = 'temp' order by ordinal_position",
            (table_name,),
        ).fetchall()
        if not rows:
            raise NoSuchTableError(table_name)
        return [{"name": name, "type": Type(kind), "nullable": True, "default": None} for name, kind in rows]

    def get_pk_constraint(self, *_, **__):
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, *_, **__):
        return []

    get_indexes = get_unique_constraints = get_check_constraints = get_foreign_keys

    def get_table_comment(self, *_, **__):
        return {"text": None}


registry.register("guard", __name__, "Dialect")
