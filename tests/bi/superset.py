"""Superset on the readers' file: charts/superset is imported, drawn, compared with the marts, and taken a picture of.

Run by hand, in .venv-superset: `make superset`. Everything that Superset writes is in a temporary folder; it listens on
127.0.0.1 alone, and requests to anywhere else are refused and said.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from PIL import Image
from playwright.sync_api import Page, Request, Response, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "charts" / "superset"
PICTURE = ROOT / "charts" / "pictures" / "superset.png"
PROGRAMS = Path(sys.executable).parent
CONFIG = """
SECRET_KEY = "{secret}"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
PREVENT_UNSAFE_DB_CONNECTIONS = False  # or it refuses duckdb, as any file of its machine
# Its pages ask for a picture of another host unless they may not.
TALISMAN_CONFIG = {{
    "content_security_policy": {{
        "default-src": "'self'",
        "img-src": ["'self'", "blob:", "data:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "worker-src": ["'self'", "blob:"],
    }},
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}}
"""
WIDTH, HEIGHT = 1240, 1650  # all charts: those that are not seen are not drawn
ALL_DRAWN = """charts => {
    const places = [...document.querySelectorAll('.slice_container')];
    return places.length >= charts && places.every(place => place.querySelector('canvas'));
}"""
SECONDS = 120
COLOURS = 256
TRIES = 5  # a form that is filled before its script has run is sent empty
ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

# What each chart has to show: the columns to compare, and the same numbers asked of the marts another way.
TOTAL = "period_grain = 'month' and segment = 'all' and is_complete"
EXPECTED = {
    "Customers": (
        "period_start_date closing_customers",
        f"""
        select period_start_date, opening_customers + new_customers + reactivated_customers - churned_customers
        from customer_churn_by_period where {TOTAL}
        """,
    ),
    "Churn rate": (
        "period_start_date churn_rate",
        f"""
        select period_start_date, churned_customers / opening_customers from customer_churn_by_period
        where {TOTAL} and opening_customers > 0
        """,
    ),
    "MRR": (
        "period_start_date closing_mrr",
        f"select period_start_date, round(closing_mrr, 2) from mrr_churn_by_period where {TOTAL}",
    ),
    "Net revenue retention": (
        "period_start_date net_revenue_retention",
        f"""
        select period_start_date, retained_mrr / opening_mrr from retention_by_period
        where {TOTAL} and opening_mrr > 0
        """,
    ),
    "Churn rate by month": (
        "period_start_date churn_rate",
        f"select period_start_date, 1 - retention_rate from retention_by_period where {TOTAL}",
    ),
    "Customers who came and left, by month": (
        "period_start_date new_customers reactivated_customers churned_customers",
        f"""
        select period_start_date, new_customers, reactivated_customers, -churned_customers
        from customer_churn_by_period where {TOTAL}
        """,
    ),
    "MRR that came and left, by month": (
        "period_start_date new_mrr reactivation_mrr expansion_mrr contraction_mrr churned_mrr",
        f"""
        select period_start_date, round(new_mrr, 2), round(reactivation_mrr, 2), round(expansion_mrr, 2),
            -round(contraction_mrr, 2), -round(churned_mrr, 2)
        from mrr_churn_by_period where {TOTAL}
        """,
    ),
    "Churned customers by country and month": (
        "period_start_date US DE GB",
        """
        select period_start_date, sum(churned_customers) filter (segment_value = 'US'),
            sum(churned_customers) filter (segment_value = 'DE'), sum(churned_customers) filter (segment_value = 'GB')
        from customer_churn_by_period where period_grain = 'month' and segment = 'country' and is_complete
        group by period_start_date
        """,
    ),
    "Customers retained, by cohort and months since the first payment": (
        "period_label periods_since retention_rate",
        f"""
        select strftime(cohort_start_date, '%Y-%m'), periods_since, retained_customers / cohort_size
        from retention_by_cohort where basis = 'subscription' and {TOTAL} and periods_since <= 12
        """,
    ),
}


def run(folder: Path, *arguments: str) -> None:
    """Run Superset's command line. Raises CalledProcessError with what it printed."""
    try:
        subprocess.run(
            [str(PROGRAMS / "superset"), *arguments], check=True, capture_output=True, text=True, cwd=folder,
            env=environment(folder),
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        print(error.stdout[-3000:], error.stderr[-3000:], file=sys.stderr)
        raise


def environment(folder: Path) -> dict[str, str]:
    """What Superset has to know to keep all it writes in a folder, and to tell nobody that it runs."""
    return {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"),
        "SUPERSET_HOME": str(folder),
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
    }


def install(folder: Path, marts: Path, password: str) -> None:
    """A new Superset in a folder, with the dashboard on a file of marts."""
    (folder / "superset_config.py").write_text(CONFIG.format(secret=secrets.token_hex(32), folder=folder))
    shutil.copytree(ASSETS, folder / "assets")
    database = folder / "assets" / "databases" / "retention_marts.yaml"
    said = yaml.safe_load(database.read_text())
    database.write_text(yaml.safe_dump({**said, "sqlalchemy_uri": f"duckdb:///{marts}"}))
    run(folder, "db", "upgrade")
    run(
        folder, "fab", "create-admin", "--username", "admin", "--firstname", "A", "--lastname", "B",
        "--email", "admin@example.com", "--password", password,
    )  # fmt: skip
    run(folder, "init")
    run(folder, "import-directory", "--overwrite", str(folder / "assets"))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve it on a free port of this machine alone; its address. All its processes are ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(
            [str(PROGRAMS / "gunicorn"), "--bind", address, "--threads", "8", "--timeout", str(SECONDS),
             "superset.app:create_app()"],
            cwd=folder, env=environment(folder), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            for _ in range(SECONDS):
                try:
                    urllib.request.urlopen(f"http://{address}/health").close()
                    break
                except OSError:
                    time.sleep(1)
            yield f"http://{address}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def log_in(page: Page, address: str, password: str) -> dict[str, str]:
    """Log in by the form; the headers by which the API knows the same user."""
    for _ in range(TRIES):
        page.goto(f"{address}/login/", wait_until="networkidle")
        page.locator("input#username").fill("admin")
        page.locator("input#password").fill(password)
        page.locator("input#password").press("Enter")
        page.wait_for_load_state("networkidle")
        if page.request.get(f"{address}/api/v1/me/").ok:
            break
    login = {"username": "admin", "password": password, "provider": "db"}
    token = page.request.post(f"{address}/api/v1/security/login", data=login).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    csrf = page.request.get(f"{address}/api/v1/security/csrf_token/", headers=headers).json()["result"]
    return {**headers, "X-CSRFToken": csrf, "Referer": address}


def synced_columns(page: Page, address: str, headers: dict[str, str]) -> dict[str, int]:
    """Have each dataset read its columns from the file; dataset -> how many of them come with a comment."""
    found = {}
    for dataset in page.request.get(f"{address}/api/v1/dataset/", headers=headers).json()["result"]:
        one = f"{address}/api/v1/dataset/{dataset['id']}"
        assert page.request.put(f"{one}/refresh", headers=headers).ok, dataset["table_name"]
        columns = page.request.get(one, headers=headers).json()["result"]["columns"]
        found[dataset["table_name"]] = sum(bool(column["description"]) for column in columns)
    return found


def drawn(page: Page, address: str, picture: Path) -> dict[str, list[dict[str, Any]]]:
    """Open the dashboard; chart -> the rows it was given. Takes the picture once all are drawn."""
    answers: dict[int, Any] = {}

    def keep(response: Response) -> None:
        if "/api/v1/chart/data" in response.url and response.request.post_data:
            asked = json.loads(response.request.post_data)["form_data"]["slice_id"]
            answers[asked] = response.json()

    page.on("response", keep)
    page.goto(f"{address}/superset/dashboard/retention/?standalone=2&show_filters=0")
    charts = len(list((ASSETS / "charts").glob("*.yaml")))
    for _ in range(SECONDS):
        page.wait_for_timeout(1000)
        if len(answers) >= charts and page.evaluate(ALL_DRAWN, charts):
            break
    page.wait_for_timeout(3000)  # charts grow into their places
    page.screenshot(path=picture)
    listed = "(await (await fetch('/api/v1/chart/?q=(page_size:100)')).json()).result"
    names = page.evaluate(f"async () => {listed}.map(chart => [chart.id, chart.slice_name])")
    return {name: answers[id_]["result"][0]["data"] for id_, name in names if "result" in answers.get(id_, {})}


def comparable(value: Any) -> Any:
    """A number with six digits after the point, a date for milliseconds since 1970, anything else as it is."""
    if isinstance(value, int | float) and abs(value) > 1e11:
        return datetime.fromtimestamp(value / 1000, UTC).date()
    return value if value is None or isinstance(value, str) or hasattr(value, "year") else round(float(value), 6) + 0.0


def differences(marts: Path, shown: dict[str, list[dict[str, Any]]]) -> list[str]:
    """A line for each chart, of those to be there and of those there, that does not show the numbers of the marts."""
    lines = [f"{name}: not drawn, or not expected" for name in shown.keys() ^ EXPECTED.keys()]
    with duckdb.connect(str(marts), read_only=True) as connection:
        for name in shown.keys() & EXPECTED.keys():
            columns, sql = EXPECTED[name]
            rows = [tuple(comparable(row[column]) for column in columns.split()) for row in shown[name]]
            expected = [tuple(map(comparable, row)) for row in connection.execute(sql).fetchall()]
            if sorted(map(repr, rows)) != sorted(map(repr, expected)):
                lines.append(f"{name}: {len(rows)} rows {rows[:3]}, the marts {len(expected)} rows {expected[:3]}")
            else:
                print(f"{name}: {len(rows)} rows as in the marts")
    return lines


def main() -> int:
    """Print what was compared; 1 where something differs, asks for another machine, or there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    marts = Path(os.environ.get("RETENTION_MARTS") or "marts.duckdb").absolute()
    if not chromium or not marts.is_file():
        print("There is no Chromium." if not chromium else f"There are no marts: {marts}.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="retention_superset_") as name:
        folder, password, problems = Path(name), secrets.token_hex(16), []
        install(folder, marts, password)
        with served(folder) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})

            def tell(request: Request) -> None:
                if not request.url.startswith((address, "data:", "blob:")) and request.failure != "csp":
                    problems.append(f"asked for {request.url}")

            page.on("requestfinished", tell)
            page.on("requestfailed", tell)
            comments = synced_columns(page, address, log_in(page, address, password))
            print(f"Columns with comments: {comments}")
            problems += [f"{dataset}: no comments of columns" for dataset, count in comments.items() if not count]
            problems += differences(marts, drawn(page, address, folder / PICTURE.name))
            browser.close()
        if not problems:
            Image.open(folder / PICTURE.name).convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)
    print("\n".join(problems) or f"All charts show the numbers of the marts; the picture is {PICTURE}.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
