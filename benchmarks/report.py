"""Table and plot of results.json, printed and put into README.md: python benchmarks/report.py"""

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeGuard

Measured = dict[str, Any]  # of one thing, or of one company
Results = dict[str, Measured]  # by size

BENCHMARKS = Path(__file__).resolve().parent
README = BENCHMARKS / "README.md"
PLOT = BENCHMARKS / "seconds.svg"
START, END = "<!-- Written by make bench, from here -->\n", "<!-- to here -->\n"

BUILD_ROWS = {
    "dbt build": "**`dbt build`**, all of it",
    "dbt build within 1 GB": "`dbt build`, DuckDB limited to 1 GB",
    "guard": "of it the guard, sum of nodes",
    "other tests": "other data tests, sum of nodes",
    "models": "models, sum of nodes",
    "models subscriptions": "models of subscriptions alone, sum",
    "models orders": "models of orders alone, sum",
    "models both": "models of both or neither, sum",
}
SIDE_ROWS = {
    "marts": "**ours**, sum of the nodes behind these marts: all grains and segments",
    "duckdb_spine": "SQL on DuckDB, months",
    "pandas_script": "pandas, months",
    "polars_script": "polars, months",
    "floor": "floor: one aggregate per raw table",
}
YEARS_ROWS = ["dbt build", "models", *[f"{rival} subscriptions" for rival in SIDE_ROWS]]


def seconds(measured: Measured | None) -> str:
    if not measured:
        return ""
    if measured.get("failed"):
        return "left out" if measured.get("left_out") else "killed" if measured.get("killed") else "failed"
    return f"{measured['seconds']:,.1f}"


def cpu(measured: Measured | None) -> str:
    return f"{measured['cpu_seconds']:,.1f}" if measured and "cpu_seconds" in measured else ""


def memory(measured: Measured | None) -> str:
    return f"{measured['peak_mb']:,}" if measured and "peak_mb" in measured else ""


def finished(measured: Measured | None) -> TypeGuard[Measured]:
    return bool(measured and not measured.get("failed"))


def times(measured: Measured | None, other: Measured | None, unit: str = "seconds") -> str:
    """How many times as long one thing takes as another."""
    if not finished(measured) or not finished(other) or unit not in measured:
        return ""
    ratio = measured[unit] / other[unit]
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"


def per_row(smaller: Measured | None, larger: Measured | None, company: Measured, larger_company: Measured) -> str:
    """How much longer a row takes in the larger company: 1 is proportional."""
    if not finished(smaller) or not finished(larger):
        return ""
    growth = larger_company["rows"] / company["rows"]
    return f"{larger['seconds'] / smaller['seconds'] / growth:.2f}"


def floor_of(measured: Measured) -> Measured:
    """Both sides' floors together."""
    return {"seconds": sum(measured[f"floor {side}"]["seconds"] for side in ("subscriptions", "orders"))}


def markdown(header: list[str], rows: Iterable[Iterable[str]]) -> str:
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return "".join("| " + " | ".join(row) + " |\n" for row in [header, ruler, *rows])


def main_table(results: Results) -> str:
    sizes = list(results)
    steps = list(pairwise(sizes))
    header = ["", *[f"{size}: {unit}" for size in sizes for unit in ("s", "CPU s", "MB")]]
    header += [f"s per row, {larger} : {smaller}" for smaller, larger in steps]
    compared = "M" if "M" in sizes else sizes[-1]
    header += [f"{compared}: x ours", f"{compared}: x floor"]

    def row(key: str, label: str, ours: Measured, floor: Measured) -> list[str]:
        measured = {size: results[size]["measured"].get(key) for size in sizes}
        cells = [label, *[cell for each in measured.values() for cell in (seconds(each), cpu(each), memory(each))]]
        cells += [
            per_row(measured[smaller], measured[larger], results[smaller], results[larger]) for smaller, larger in steps
        ]
        return [*cells, times(measured[compared], ours), times(measured[compared], floor)]

    last = results[compared]["measured"]
    floor = floor_of(last)
    rows = [row(key, label, last["dbt build"], floor) for key, label in BUILD_ROWS.items()]
    for side, answers in {"subscriptions": "churn and MRR churn", "orders": "repeat purchase and cohorts"}.items():
        rows.append([f"**{side}: {answers}**"] + [""] * (len(header) - 1))
        for rival, label in SIDE_ROWS.items():
            rows.append(row(f"{rival} {side}", label, last[f"marts {side}"], last[f"floor {side}"]))
    return markdown(header, rows)


def years_table(results: Results) -> str:
    results = {size: each for size, each in results.items() if "dbt build 12 years" in each["measured"]}
    rows = []
    labels = {**BUILD_ROWS, **{f"{rival} subscriptions": label for rival, label in SIDE_ROWS.items()}}
    for key in YEARS_ROWS:
        cells = [labels[key]]
        for size in results:
            six, twelve = (results[size]["measured"].get(key + suffix) for suffix in ("", " 12 years"))
            cells += [seconds(six), seconds(twelve), times(twelve, six), times(twelve, six, "cpu_seconds")]
        rows.append(cells)
    columns = ("6 years, s", "12 years, s", "times", "CPU times")
    return markdown(["", *[f"{size}: {column}" for size in results for column in columns]], rows)


def aims_table(results: Results) -> str:
    """What we aim at, as ratios within one run, and what was measured."""
    rows = []

    def row(aim: str, bound: float, size: str, value: float | None) -> None:
        if value is not None:
            rows.append([aim, size, f"{bound:,.4g}", f"{value:,.2f}" if value < 100 else f"{value:,.0f}"])

    def ratio(one: Measured | None, other: Measured | None) -> float | None:
        return one["seconds"] / other["seconds"] if finished(one) and finished(other) else None

    for size, each in results.items():
        measured = each["measured"]
        if size == "M":
            floor = floor_of(measured)
            row(
                "subscriptions, all grains and segments : SQL spine of months",
                1,
                size,
                ratio(measured["marts subscriptions"], measured["duckdb_spine subscriptions"]),
            )
            row("all models : floor", 6, size, ratio(measured["models"], floor))
            row(
                "all models, twice the years, as many changes",
                1.15,
                size,
                ratio(measured.get("models 12 years"), measured["models"]),
            )
            row("`dbt build`, GB of memory", 4, size, measured["dbt build"]["peak_mb"] / 1024)
            limited = measured["dbt build within 1 GB"]
            rows.append(["`dbt build` within 1 GB", size, "finishes", "fails" if limited["failed"] else "finishes"])
        if size == list(results)[-1]:
            row(
                "`dbt build` of the demo : as many trivial nodes",
                1.5,
                "demo",
                ratio(measured["demo"], measured["as many trivial nodes"]),
            )
    for (smaller, company), (larger, larger_company) in zip(results.items(), list(results.items())[1:]):
        longer = ratio(larger_company["measured"]["models"], company["measured"]["models"])
        row(
            "all models, seconds per row",
            1.1,
            f"{larger} : {smaller}",
            None if longer is None else longer * company["rows"] / larger_company["rows"],
        )
    return markdown(["aim, a ratio within one run", "at", "at most", "measured"], rows)


def incremental_table(results: Results) -> str:
    """What one day's changes would cost at least, were tables kept by customer updated and the rest made anew."""
    results = {size: each["measured"] for size, each in results.items() if "incremental" in each["measured"]}
    parts = {size: measured["incremental"] for size, measured in results.items()}
    anew = {size: measured["models"]["seconds"] - parts[size]["kept"] for size, measured in results.items()}
    least = {size: parts[size]["find"] + parts[size]["replace"] + anew[size] for size in results}
    rows = [
        ["all models, a full build", *[seconds(measured["models"]) for measured in results.values()]],
        ["of it tables that are kept by customer", *[f"{part['kept']:,.1f}" for part in parts.values()]],
        ["customers whose rows have changed", *[f"{part['touched']:,}" for part in parts.values()]],
        ["finding them", *[f"{part['find']:,.1f}" for part in parts.values()]],
        ["replacing their rows", *[f"{part['replace']:,.1f}" for part in parts.values()]],
        ["everything else, anew", *[f"{part:,.1f}" for part in anew.values()]],
        [
            "one day's changes : a full build",
            *[f"{least[size] / measured['models']['seconds']:.2f}" for size, measured in results.items()],
        ],
    ]
    return markdown(["", *[f"{size}: s" for size in results]], rows)


def slowest_table(results: Results) -> str:
    columns = [[f"`{name}` {value:,.1f}" for name, value in each["measured"]["slowest"]] for each in results.values()]
    return markdown([f"{size}: slowest nodes, s" for size in results], zip(*columns))


def errors(results: Results) -> str:
    """Why builds within 1 GB failed."""
    sentences = []
    for size, each in results.items():
        limited = each["measured"].get("dbt build within 1 GB")
        if limited and limited["failed"]:
            nodes = ", ".join(f"`{node}`" for node in limited["errors"])
            sentences.append(f"Within 1 GB {size} fails in {nodes or 'no node'}.")
            if limited["killed"]:
                sentences.append("The run was then killed from outside, later nodes untried.")
    return " ".join(sentences) + "\n" if sentences else ""


def plot(results: Results) -> None:
    """Seconds of ours, the rivals and the floor, for every size, as a small SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "seconds", "font.size": 9})
    from matplotlib import pyplot

    names = {
        "marts": "ours (all grains, segments)",
        "duckdb_spine": "SQL spine",
        "pandas_script": "pandas",
        "polars_script": "polars",
        "floor": "floor",
    }
    figure, panels = pyplot.subplots(1, 2, figsize=(8, 2.8), sharey=True, layout="constrained")
    for panel, side in zip(panels, ["subscriptions", "orders"]):
        for place, size in enumerate(results):
            measured = [results[size]["measured"].get(f"{name} {side}") or {} for name in names]
            values = [each.get("seconds", 0) for each in measured]
            height = 0.8 / len(results)
            bars = panel.barh(
                [y + place * height for y in range(len(names))],
                values,
                height,
                label=f"{size}: {results[size]['customers']:,} customers",
                color=["#9ecae1", "#2171b5", "#08306b"][place % 3],
            )
            panel.bar_label(bars, [f" {value:,.1f}" for value in values], fontsize=7)
        panel.set(xscale="log", title=side, xlabel="seconds, log scale")
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks([y + 0.4 - 0.4 / len(results) for y in range(len(names))], names.values())
    panels[0].invert_yaxis()
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=len(results), frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    results = json.loads((BENCHMARKS / "results.json").read_text())
    results = dict(sorted(results.items(), key=lambda item: item[1]["customers"]))
    table = main_table(results)
    print(table)
    machines = "".join(
        f"{size} is {each['customers']:,} customers, measured on {each['machine']}.\n" for size, each in results.items()
    )
    written = [
        machines,
        table,
        errors(results),
        aims_table(results),
        f"![Seconds of ours, the rivals and the floor]({PLOT.name})\n",
        "The same number of changes over twice the years:\n",
        years_table(results),
        "What a build of one day's changes alone would cost at least:\n",
        incremental_table(results),
        slowest_table(results),
    ]
    text = README.read_text()
    before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
    README.write_text(before + "\n" + "\n".join(part for part in written if part) + "\n" + after)
    plot(results)


if __name__ == "__main__":
    main()
