"""The files of raw_location before they are loaded: what separates their columns, and what makes them unreadable.

DuckDB reads them; its own message on a file that is not clean is twenty lines about options that nobody can set here.
So each file is looked at first, and what is wrong is one sentence: file, line, what is there, what is wanted.
"""

import csv
import mmap
import sys
from collections.abc import Iterator

import duckdb

from plugins.sql import quoted, text

SEPARATORS = (",", ";", "\t")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}
HEADER_BYTES = 1_000_000
NO_TEXT = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1")  # gzip, Zstandard, zip (and xlsx), Parquet
csv.field_size_limit(sys.maxsize)  # a value may be long


class Unreadable(Exception):
    """Why a file cannot be read, as a sentence without its end."""


def look_at_files(cursor: duckdb.DuckDBPyConnection, question: dict) -> dict:
    """How many files there are, by what CSV separates its columns, and the problem with them, an empty text if none."""
    path, separator = question["path"], question["separator"]
    files = [name for (name,) in cursor.execute("from glob(?)", [path]).fetchall()]
    answer = {"files": len(files), "separator": separator or ",", "problem": ""}
    try:
        if not files:
            raise Unreadable(f"there is no file {path}")
        if path.endswith(".csv"):
            answer["separator"] = look_at_csv(cursor, path, files, separator)
        else:
            cursor.execute(f"describe select * from read_parquet({text(path)}, union_by_name = true)")
    except Unreadable as problem:
        answer["problem"] = str(problem)
    except (duckdb.Error, OSError) as problem:
        answer["problem"] = f"{path} is not what its name says ({str(problem).splitlines()[0]})"
    return answer


def look_at_csv(cursor: duckdb.DuckDBPyConnection, path: str, files: list[str], separator: str | None) -> str:
    """The separator of CSV files, once all of them can be read with it. Raises Unreadable, duckdb.Error or OSError."""
    here = [name for name in files if "://" not in name]
    headers = {name: read_header(name) for name in here}
    separators = {name: separator or separator_of(header) for name, header in headers.items()}
    for name, header in headers.items():
        check_header(name, header, separators[name])
        if separators[name] != separators[here[0]]:
            raise Unreadable(
                f"{name} separates its columns by {NAMES[separators[name]]} and {here[0]} by "
                f"{NAMES[separators[here[0]]]}: all files of a table must use the same separator"
            )
    separator = separators[here[0]] if here else separator or ","
    for name in here:
        check_zeros(name)
    names = next(csv.reader([headers[here[0]]], delimiter=separator)) if here else []
    is_header = " and ".join(f"{quoted(name)} = {text(name)}" for name in names if name.isidentifier()) or "false"
    try:
        (*_, repeated) = cursor.execute(
            f"""
            select count(columns(*)), count(*) filter (where {is_header})
            from read_csv(
                {text(path)}, all_varchar = true, header = true, union_by_name = true, delim = {text(separator)},
                quote = '"', escape = '"', comment = '', skip = 0
            )
            """
        ).fetchone() or (0,)
    except duckdb.Error as error:
        for name in here:
            check_lines(name, separator)
        raise Unreadable(f"{path} is not CSV ({' '.join(str(error).split())[:200]})") from error
    if repeated:
        for name in here:
            check_lines(name, separator)
    return separator


def read_header(name: str) -> str:
    """The first line of a file. Raises Unreadable where it is no line of UTF-8 text, OSError where there is none."""
    with open(name, "rb") as file:
        line = file.readline(HEADER_BYTES)
    if not line:
        raise Unreadable(f"{name} is empty: a header line with the names of the columns is wanted")
    if line.startswith(NO_TEXT):
        raise Unreadable(f"{name} is compressed, or a spreadsheet: CSV is wanted as plain text")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
        raise Unreadable(f"{name}, line 1: this is UTF-16, UTF-8 is wanted: save or convert the file as UTF-8")
    header = decoded(name, 1, line).removeprefix("\ufeff").rstrip("\r\n")
    if "\r" in header:
        raise Unreadable(f"{name}, line 1: the lines end with carriage returns alone, line feeds are wanted")
    if not header.strip():
        raise Unreadable(f"{name}, line 1 is empty: the header line with the names of the columns is wanted there")
    return header


def separator_of(header: str) -> str:
    """The one of the usual separators that makes the most columns of a header line; a comma where none makes any."""
    return max(SEPARATORS, key=lambda separator: len(next(csv.reader([header], delimiter=separator))))


def check_header(name: str, header: str, separator: str) -> None:
    """Raises Unreadable where there is one column alone, or two have one name; to DuckDB case makes no other."""
    columns = next(csv.reader([header], delimiter=separator))
    if len(columns) == 1:
        raise Unreadable(
            f"{name}, line 1: {shortened(header)} is one column, the names of several are wanted, with commas, "
            "semicolons or tabs between them; the var csv_separator names what else separates them"
        )
    lowered = [column.lower() for column in columns]
    twice = sorted({column for column in columns if lowered.count(column.lower()) > 1})
    if twice:
        raise Unreadable(f"{name}, line 1: the column {', '.join(twice)} is there twice, each name is wanted once")


def check_zeros(name: str) -> None:
    """Raises Unreadable at the first NUL, which DuckDB would load. A search in memory: a second for some gigabytes."""
    with open(name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(b"\0")
        if place >= 0:
            line = content[:place].count(b"\n") + 1
            raise Unreadable(f"{name}, line {line}: there is a NUL character, text alone is wanted")


def check_lines(name: str, separator: str) -> None:
    """Raises Unreadable at the first line that is not as CSV and its header line want it. Slow, and seldom needed."""
    with open(name, "rb") as file:
        reader = csv.reader(lines(name, file), delimiter=separator, strict=True)
        header, start = next(reader), reader.line_num + 1
        try:
            for row in reader:
                if row and len(row) != len(header):
                    found = "is 1 value" if len(row) == 1 else f"are {len(row)} values"
                    raise Unreadable(
                        f"{name}, line {start}: there {found} ({shortened(separator.join(row))}), "
                        f"{len(header)} are wanted, as in the header line"
                    )
                if row == header:
                    raise Unreadable(f"{name}, line {start}: the header line is there again, it is wanted once")
                start = reader.line_num + 1
        except csv.Error as error:
            raise Unreadable(
                f"{name}, line {start}: a double quote is not closed, or stands inside a value ({error}); a value with "
                'quotes is wanted as "5"" pipe"'
            ) from error


def lines(name: str, file: Iterator[bytes]) -> Iterator[str]:
    """The lines of a file as text. Raises Unreadable at the first that is not UTF-8."""
    for number, line in enumerate(file, 1):
        yield decoded(name, number, line).removeprefix("\ufeff" if number == 1 else "")


def decoded(name: str, number: int, line: bytes) -> str:
    """A line as text. Raises Unreadable where it is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        found = shortened(line.decode("latin-1").strip())
        raise Unreadable(
            f"{name}, line {number} is not UTF-8, which is wanted; read as Latin-1 it is {found}"
        ) from None


def shortened(line: str) -> str:
    """A line in quotes, cut where it is long."""
    return repr(line if len(line) <= 60 else line[:57] + "...")
