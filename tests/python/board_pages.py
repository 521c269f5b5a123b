"""Opens every page of the board in Chromium and prints, as JSON, what is wrong with each.

Runs in .venv-board: board_pages.py <folder of the board> <chromium> <axe.min.js>
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

WIDTHS = [1440, 420]
SERIOUS = ["serious", "critical"]
UNMARKED = """
() => [...document.querySelectorAll('g.dbt-chart')].filter(chart => {
    const seen = [...chart.querySelectorAll('path, rect, line, circle, text')].filter(mark => {
        const box = mark.getBBox();
        return box.width + box.height > 0 && !mark.closest('.role-axis, .role-title, .role-legend');
    });
    const drawn = ['kpi', 'table', 'callout'].includes(chart.dataset.chartType)
        ? seen.filter(mark => mark.tagName == 'text' && mark.textContent.trim())
        : seen.filter(mark => mark.closest('.role-mark') || chart.dataset.chartType == 'custom');
    return drawn.length == 0;
}).map(chart => chart.dataset.chartId)
"""


def findings(page: Page, file: Path, axe: str) -> list[str]:
    """What is wrong with a page, a line each."""
    found: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            found.append(f"request: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("request", on_request)
    page.goto(file.resolve().as_uri())
    found += [f"chart without marks: {chart}" for chart in page.evaluate(UNMARKED)]
    page.evaluate(axe)
    for violation in page.evaluate("() => axe.run()")["violations"]:
        if violation["impact"] in SERIOUS:
            found.append(f"axe, {violation['impact']}: {violation['id']}: {violation['nodes'][0]['html'][:200]}")
    return found


def main(folder: Path, chromium: str, axe: Path) -> None:
    """Print page and width -> what is wrong with it."""
    told = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for file in sorted(folder.glob("*.html")):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 900})
                told[f"{file.name} at {width}"] = findings(page, file, axe.read_text())
                page.close()
        browser.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
