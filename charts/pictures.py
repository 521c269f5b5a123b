"""`make pictures`: README's pictures of the board, taken in Chromium of the marts in the readers' file.

Runs in .venv-board, with what the tests of the board need.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import board
from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).resolve().parent / "pictures"
PAGES = {"overview": (1240, 1000), "cohorts": (1240, 1000)}  # width and height of what is seen


def main() -> int:
    """Write the pictures; the exit code, with a sentence where there are no marts or no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("There is no Chromium to take pictures with.", file=sys.stderr)
        return 1
    marts = Path(os.environ.get("RETENTION_MARTS") or "marts.duckdb").absolute()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        try:
            board.write_board(marts, Path(folder))
        except board.NoBoard as error:
            print(error, file=sys.stderr)
            return 1
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in PAGES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto((Path(folder) / f"{name}.html").as_uri())
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()
    print(f"Pictures of {', '.join(PAGES)} are in {PICTURES}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
