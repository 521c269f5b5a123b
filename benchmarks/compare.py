"""Two checkouts side by side: python benchmarks/compare.py <old checkout> <new checkout> S|M|L|<customers> [<rounds>]

Both build the same generated company, one after the other, as often as rounds say (2 where nothing is said), so that
what else runs on the machine slows both. The least of each number counts. A checkout needs its own .venv.
Prints a table; what checkouts write goes to benchmarks/data of this one.
"""

import sys
from pathlib import Path

from bench import DATA, SIZES, company, dbt_build, nodes
from report import markdown, slowest_table

SUMS = {
    "models": "models, sum of nodes: s",
    "guard": "the guard, sum of nodes: s",
    "other tests": "other data tests, sum of nodes: s",
    "hooks": "checks at the start and publication at the end: s",
}
WHOLE = {
    "seconds": "`dbt build`, all of it: s",
    "cpu_seconds": "`dbt build`, all of it: CPU s",
    "peak_mb": "`dbt build`, peak memory: MB",
}


def build(name: str, checkout: Path, raw: Path) -> dict[str, object]:
    """The numbers of one build, by label; whether it was published, and its slowest nodes. Exits where it fails."""
    folder = DATA / f"compare_{name}"
    whole = dbt_build(f"{name}: {checkout}", raw, folder, checkout)
    if whole["failed"]:
        sys.exit((folder / "dbt_build.log").read_text()[-3000:])
    groups, slowest = nodes(folder)
    (folder / "warehouse.duckdb").unlink()
    return {
        **{label: groups[key]["seconds"] for key, label in SUMS.items()},
        **{label: whole[key] for key, label in WHOLE.items()},
        "published": (folder / "marts.duckdb").exists(),
        "slowest": slowest,
    }


def table(old: list[dict], new: list[dict]) -> str:
    """The least of each number of both checkouts, and their ratio; below it the slowest nodes of the last builds."""
    rows = []
    for label in [*SUMS.values(), *WHOLE.values()]:
        before, after = (min(build[label] for build in builds) for builds in (old, new))
        digits = 0 if label == WHOLE["peak_mb"] else 1
        ratio = f"{after / before:.2f}" if before else ""
        rows.append([label, f"{before:,.{digits}f}", f"{after:,.{digits}f}", ratio])
    rows.append(["published", *["yes" if builds[-1]["published"] else "no" for builds in (old, new)], ""])
    last = {name: {"measured": builds[-1]} for name, builds in {"old": old, "new": new}.items()}
    return markdown(["", "old", "new", "new : old"], rows) + "\n" + slowest_table(last)


def main(old: str, new: str, size: str, rounds: str = "2") -> None:
    """Build both in turns and print the table."""
    customers, orders = SIZES.get(size) or (int(size), 10 * int(size))
    raw = company(customers, orders, 6)
    checkouts = {"old": Path(old).resolve(), "new": Path(new).resolve()}
    builds: dict[str, list[dict]] = {name: [] for name in checkouts}
    for _ in range(int(rounds)):
        for name, checkout in checkouts.items():
            builds[name].append(build(name, checkout, raw))
    print(table(builds["old"], builds["new"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
