"""The board: `make board` writes HTML pages that open from the disk, `make look` serves them with filters.

dbt Charts draws the boards of this folder from the readers' file. This module tells it which file that is, in which
currency and as of when, and mends what it leaves out: the page's language, its main part and heading, the way from
page to page. Runs in .venv-board, which the build does not need.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

import duckdb
import yaml
from babel.numbers import get_currency_precision

CHARTS = Path(__file__).resolve().parent
DCT = Path(sys.executable).parent / "dct"
BOARDS = [board for board in "overview cohorts why_and_who orders trust".split() if (CHARTS / f"{board}.yml").exists()]
THEMES = {"light": None, "dark": "neon"}  # of dbt Charts, None is its own choice
SHORT = 8
# dbt Charts has callouts for light pages alone.
LIGHT_INK = {"font": {"color": "#EDEFF2"}}
DARK_CALLOUT = {"background": "#222222", "message": LIGHT_INK, "title": LIGHT_INK}


class NoBoard(Exception):
    """Why there is no board, as a sentence."""


def published(marts: Path) -> dict[str, Any]:
    """What the readers' file says of its build. Raises NoBoard where it is not there or not a readers' file."""
    advice = "`make build` publishes marts; RETENTION_MARTS names the file they are in."
    if not marts.is_file():
        raise NoBoard(f"There are no marts to show: {marts} does not exist. {advice}")
    try:
        with duckdb.connect(str(marts), read_only=True) as connection:
            cursor = connection.execute("select currency, as_of_date, build_id, is_demo from published limit 1")
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
    except duckdb.Error as error:
        raise NoBoard(f"There are no marts to show: {marts} is no file of marts. {advice}") from error
    if not rows:
        raise NoBoard(f"There are no marts to show: {marts} holds none. {advice}")
    return dict(zip(names, rows[0]))


def settings(build: dict[str, Any], theme: str | None) -> dict[str, Any]:
    """What dbt Charts has to know of a build: how its currency is written, what stands at the foot of each page."""
    currency = build["currency"]
    decimals = get_currency_precision(currency)
    demo = " · the bundled demo company" if build["is_demo"] else ""
    return {
        **({"theme": theme} if theme else {}),
        "style": {
            **({"charts": {"callout": DARK_CALLOUT}} if theme == THEMES["dark"] else {}),
            "footer": {"text": f"As of {build['as_of_date']} · build {build['build_id'][:SHORT]}{demo}", "link": None},
            "formats": {
                "money": {"spec": f",.{decimals}f", "prefix": f"{currency} "},
                "money_whole": {"spec": ",.0f", "prefix": f"{currency} "},
                "money_change": {"spec": f"+,.{decimals}f", "prefix": f"{currency} "},
            },
        },
    }


@contextlib.contextmanager
def project(marts: Path, build: dict[str, Any], theme: str | None = None) -> Iterator[Path]:
    """A folder as dbt Charts wants it, as long as it is needed: the boards, the readers' file, the settings."""
    with tempfile.TemporaryDirectory(prefix="retention_board_") as name:
        folder = Path(name)
        shutil.copytree(CHARTS, folder / "charts", ignore=shutil.ignore_patterns("*.py", "templates", "__pycache__"))
        shutil.copytree(CHARTS / "templates", folder / "templates")
        sources = {"marts": {"type": "duckdb", "path": str(marts)}}
        (folder / "dbt_charts.yml").write_text(yaml.safe_dump({"sources": sources}))
        (folder / "charts" / "meta.yml").write_text(yaml.safe_dump(settings(build, theme), allow_unicode=True))
        yield folder


def dct(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run dbt Charts in a project."""
    environment = {**os.environ, "DO_NOT_TRACK": "1", "DCT_NO_WORKSPACE_GUARD": "1"}
    return subprocess.run(
        [str(DCT), "--no-send-anonymous-usage-stats", *arguments], cwd=folder, env=environment, text=True, **options
    )


def rendered(
    marts: Path, build: dict[str, Any], format_: str, theme: str | None = None, boards: Sequence[str] = BOARDS
) -> dict[str, str]:
    """Boards in one of dbt Charts' formats, by name. Raises NoBoard where it cannot draw one."""
    with project(marts, build, theme) as folder:
        files = [f"charts/{board}.yml" for board in boards]
        output = str(folder / "{stem}.out")
        finished = dct(
            folder, "render", *files, "--format", format_, "--output", output, "--no-cache", "--no-warnings",
            capture_output=True,
        )  # fmt: skip
        if finished.returncode:
            raise NoBoard(f"The board cannot be drawn:\n{finished.stderr or finished.stdout}")
        return {board: (folder / f"{board}.out").read_text(encoding="utf-8") for board in boards}


def about(board: str) -> dict[str, str]:
    """Title and notes of a board."""
    return yaml.safe_load((CHARTS / f"{board}.yml").read_text(encoding="utf-8"))


def page_name(board: str, theme: str) -> str:
    """The file of a page."""
    return f"{board}.html" if theme == "light" else f"{board}_{theme}.html"


def mended(html: str, board: str, theme: str) -> str:
    """A page with a language, a title, a main part with a heading, and links to the other pages and the other theme."""
    title = about(board)["title"]
    ink, paper = ("#222222", "#FFFFFF") if theme == "light" else ("#EDEFF2", "#161616")
    other = "dark" if theme == "light" else "light"
    links = "".join(
        f'<a href="{page_name(name, theme)}"{" aria-current=page" if name == board else ""}>{about(name)["title"]}</a>'
        for name in BOARDS
    )
    header = (
        f"<header><nav aria-label=Pages>{links}</nav>"
        f'<nav aria-label=Theme><a href="{page_name(board, other)}">{other.capitalize()}</a></nav></header>'
        f"<main><h1>{escape(title)}</h1>"
    )
    style = f"""<style>
        body {{ background: {paper}; }}
        header {{ display: flex; flex-wrap: wrap; justify-content: space-between; max-width: 1600px; margin: 0 auto;
            padding: 12px 4%; font: 14px system-ui, sans-serif; }}
        nav {{ display: flex; flex-wrap: wrap; gap: 0 20px; }}
        header a {{ padding: 4px 0; color: {ink}; text-decoration: none; }}
        header a:hover, header a[aria-current] {{ text-decoration: underline; text-underline-offset: 6px; }}
        main {{ display: block; min-width: 860px; max-width: 1600px; margin: 0 auto; }}
        h1 {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
    </style>"""
    for what, by in (
        ("<html>", '<html lang="en">'),
        (f"<title>{escape(title)}</title>", f"<title>{escape(title)} · Retention Marts</title>"),
        ("</head>", f"{style}</head>"),
        ("<body>", f"<body>{header}"),
        ("</body>", "</main></body>"),
    ):
        head, found, tail = html.rpartition(what) if what == "</body>" else html.partition(what)
        if not found:
            raise NoBoard(f"dbt Charts writes pages without {what} now: charts/board.py has to be changed.")
        html = head + by + tail
    return html


def index_page(build: dict[str, Any]) -> str:
    """The page that leads to the others."""
    rows = "".join(
        f'<li><a href="{page_name(board, "light")}">{escape(about(board)["title"])}</a>'
        f' (<a href="{page_name(board, "dark")}" aria-label="{escape(about(board)["title"])}, dark">dark</a>)'
        f"<br>{escape(about(board)['notes'])}</li>"
        for board in BOARDS
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>Retention Marts</title>
<style>
:root {{ color-scheme: light dark; }}
main {{ max-width: 40rem; margin: 0 auto; padding: 8vh 6%; font: 16px/1.6 system-ui, sans-serif; }}
h1 {{ font: 32px/1.3 Georgia, serif; }}
ul {{ padding: 0; list-style: none; }}
li {{ margin: 1.2rem 0; }}
a {{ color: inherit; text-underline-offset: 4px; }}
</style>
</head>
<body><main>
<h1>Retention Marts</h1>
<p>{escape(settings(build, None)["style"]["footer"]["text"])} · {escape(build["currency"])}</p>
<ul>{rows}</ul>
</main></body>
</html>
"""


def write_board(marts: Path, folder: Path) -> Path:
    """Render all boards in both themes to a folder; returns the page to open. Raises NoBoard, OSError."""
    build = published(marts)
    with ThreadPoolExecutor() as pool:
        boards = dict(zip(THEMES, pool.map(lambda theme: rendered(marts, build, "html", theme), THEMES.values())))
    pages = {
        page_name(board, theme): mended(html, board, theme)
        for theme, by_name in boards.items()
        for board, html in by_name.items()
    }
    pages["index.html"] = index_page(build)
    folder.mkdir(parents=True, exist_ok=True)
    for name, html in pages.items():
        (folder / name).write_text(html, encoding="utf-8")
    return folder / "index.html"


def serve(marts: Path, port: int) -> int:
    """Serve the boards on this machine alone until it is interrupted; the exit code. Raises NoBoard."""
    with project(marts, published(marts)) as folder, contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # which ends the server, too
        print(f"Look: http://127.0.0.1:{port}/{BOARDS[0]}/ (Ctrl-C ends it)", flush=True)
        return dct(folder, "serve", "--host", "127.0.0.1", "--port", str(port), "--no-cache").returncode
    return 0


def main() -> int:
    """What the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("do", choices=["write", "serve", "data"], help="data: print the rows of all queries, as JSON")
    parser.add_argument("--port", type=int, default=8765)
    arguments = parser.parse_args()
    marts = Path(os.environ.get("RETENTION_MARTS") or "marts.duckdb").absolute()
    folder = Path(os.environ.get("RETENTION_BOARD") or "board")
    try:
        if arguments.do == "serve":
            return serve(marts, arguments.port)
        if arguments.do == "write":
            print(f"Open {write_board(marts, folder)} in a browser.")
        else:
            print(json.dumps(rendered(marts, published(marts), "data")))
    except NoBoard as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
