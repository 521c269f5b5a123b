"""Times and memory of the build and its rivals on one company: python benchmarks/bench.py S|M|L|<customers>

Each thing runs in a process of its own. What takes less than ten seconds runs three times, and the fastest counts.
Answers that are not the marts' end the benchmark. Results go to results.json, table and plot to README.md.
This process stays small and imports no library: a child's peak memory is never below that of its parent.
"""

import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
DATA = BENCHMARKS / "data"
RESULTS = BENCHMARKS / "results.json"
SIZES = {"S": (10_000, 100_000), "M": (1_000_000, 10_000_000), "L": (3_000_000, 50_000_000)}  # customers, orders
SIDES = ["subscriptions", "orders"]
RIVALS = ["duckdb_spine", "pandas_script", "polars_script"]
MARTS = {
    "subscriptions": ["customer_churn_by_period", "mrr_churn_by_period"],
    "orders": ["repeat_purchase_by_period", "retention_by_cohort"],
}
STAGING = {"subscriptions": "stg_subscriptions", "orders": "stg_orders"}
CALENDAR = ["int_as_of_date", "int_first_days", "int_segment_periods"]  # made of both sides, needed by both

Measured = dict[str, Any]  # of one thing: seconds, cpu_seconds, peak_mb, and how it ended


def volunteer() -> None:
    """Where memory runs out, the process being measured is the one to go."""
    if os.path.exists("/proc/self/oom_score_adj"):
        Path("/proc/self/oom_score_adj").write_text("1000")


def run(command: Iterable[object], log: Path, folder: Path = ROOT, **environment: str) -> Measured:
    """Run a command once, in a folder: wall and CPU seconds and peak memory of its process, and how it ended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**{k: v for k, v in os.environ.items() if not k.startswith(("RETENTION_", "DBT_"))}, **environment},
            preexec_fn=volunteer,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "failed": process.returncode != 0,
        "killed": process.returncode == -9,
    }


def measure(name: str, command: list[Any], needed_mb: float = 0, long: float = 10, **environment: str) -> Measured:
    """The fastest of three runs, or the only one of what takes long, in seconds.

    Being killed is a result: that is how memory runs out. What would need more memory than is free is left out.
    Raises SystemExit where the command fails otherwise.
    """
    if needed_mb > available_mb():
        print(f"{name}: left out, it would need about {needed_mb:,} MB", flush=True)
        return {"failed": True, "left_out": True, "peak_mb": needed_mb}
    log = DATA / "logs" / f"{name.replace(' ', '_')}.log"
    best: Measured = {}
    for _ in range(3):
        measured = run(command, log, ROOT, **environment)
        if measured["killed"]:
            print(f"{name}: killed at {measured['peak_mb']:,} MB", flush=True)
            return measured
        if measured["failed"]:
            sys.exit(f"{name} failed:\n{log.read_text()[-3000:]}")
        if not best or measured["seconds"] < best["seconds"]:
            best = measured
        if measured["seconds"] > long:
            break
    print(f"{name}: {best['seconds']:.1f} s, {best['peak_mb']:,} MB", flush=True)
    return best


def available_mb() -> float:
    """Memory that is free now; unlimited where that cannot be asked."""
    if not os.path.exists("/proc/meminfo"):
        return float("inf")
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) // 1024


def company(customers: int, orders: int, years: int) -> Path:
    """The folder of a company's raw tables, generated once. Raises SystemExit where that fails."""
    folder = DATA / f"{customers}_customers_{years}_years"
    name = f"generate {customers} customers, {years} years"
    if not (folder / "orders.parquet").exists():
        log = DATA / "logs" / "generate.log"
        measured = run([sys.executable, BENCHMARKS / "generate.py", folder, customers, years, orders], log)
        if measured["failed"]:
            sys.exit(f"{name} failed:\n{log.read_text()}")
        print(f"{name}: {measured['seconds']:.1f} s", flush=True)
    return folder


def dbt(name: str, raw: Path, folder: Path, *command: str, checkout: Path = ROOT, **environment: str) -> Measured:
    """A command of a checkout's dbt on a company, once; warehouse, marts, target and logs are in a folder."""
    log = folder / f"dbt_{command[0]}.log"
    variables = json.dumps({"raw_location": f"{raw}/{{table}}.parquet"})
    measured = run(
        [checkout / ".venv" / "bin" / "dbt", *command, "--vars", variables],
        log,
        checkout,
        RETENTION_WAREHOUSE=str(folder / "warehouse.duckdb"),
        RETENTION_MARTS=str(folder / "marts.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"),
        DBT_LOG_PATH=str(folder / "logs"),
        DBT_USE_COLORS="false",
        **environment,
    )
    measured["errors"] = re.findall(r"ERROR .*?(\w+) \.* \[", log.read_text())
    outcome = "failed" if measured["failed"] else f"{measured['seconds']:.1f} s, {measured['peak_mb']:,} MB"
    print(f"{name}: {outcome}", flush=True)
    return measured


def dbt_build(name: str, raw: Path, folder: Path, checkout: Path = ROOT, **environment: str) -> Measured:
    """A whole `dbt build` into a new warehouse. Unit tests do not depend on the data and are left out."""
    shutil.rmtree(folder, ignore_errors=True)
    return dbt(name, raw, folder, "build", "--exclude-resource-type", "unit_test", checkout=checkout, **environment)


def floor_that_writes(raw: Path, folder: Path, customers: int) -> Measured:
    """What it takes to read the raw files once, and to write the marts once that a build has published."""
    name = "floor that writes"
    with tempfile.TemporaryDirectory(dir=folder) as answers:
        command = [sys.executable, BENCHMARKS / "rivals" / "floor.py", raw, answers, "marts", folder / "marts.duckdb"]
        return measure(name, command, expected_mb(name, customers))


def models_alone(raw: Path, folder: Path) -> Measured:
    """All models of a build once more by `dbt run`, a process without seeds, guard, tests and publication.

    Like the build it finds nothing published: the marts it would compare with are gone. Raises SystemExit.
    """
    (folder / "marts.duckdb").unlink()
    measured = dbt("dbt run", raw, folder, "run")
    if measured["failed"]:
        sys.exit((folder / "dbt_run.log").read_text()[-3000:])
    return measured


def nodes(folder: Path) -> tuple[dict[str, Measured], list[tuple[str, float]]]:
    """What a build's nodes took: the guard, the models, by side, those behind the rivals' answers, the ten slowest."""
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    graph = json.loads((folder / "target" / "manifest.json").read_text())
    models = {id: node["name"] for id, node in graph["nodes"].items() if node["resource_type"] == "model"}
    seconds = {result["unique_id"]: result["execution_time"] for result in results}

    def behind(names: Collection[str], stop: Collection[str] = ()) -> set[str]:
        """The models of these names and all they are made of, but not through those in stop."""
        found: set[str] = set()
        left = [id for id, name in models.items() if name in names]
        while left:
            id = left.pop()
            if id not in found and models[id] not in stop:
                found.add(id)
                left += [parent for parent in graph["parent_map"][id] if parent in models]
        return found

    made_of = {
        id: {side for side in SIDES if STAGING[side] in {models[parent] for parent in behind([models[id]], CALENDAR)}}
        for id in models
    }

    def total(ids: Iterable[str]) -> Measured:
        return {"seconds": round(sum(seconds.get(id, 0) for id in ids), 3)}

    groups = {
        "guard": total(id for id in seconds if id.startswith("test.") and ".guard_" in id),
        "other tests": total(id for id in seconds if id.startswith("test.") and ".guard_" not in id),
        "models": total(models),
        "hooks": total(id for id in seconds if id.startswith("operation.")),
    }
    for side, other in zip(SIDES, reversed(SIDES)):
        groups[f"models {side}"] = total(id for id in models if made_of[id] == {side})
        groups[f"marts {side}"] = total(id for id in behind(MARTS[side]) if made_of[id] != {other})
    groups["models both"] = total(id for id in models if len(made_of[id]) != 1)
    slowest = sorted(seconds, key=lambda id: seconds[id], reverse=True)[:10]
    return groups, [(id.split(".")[2], round(seconds[id], 2)) for id in slowest]


def trivial_project(folder: Path) -> None:
    """A dbt project with as many nodes as ours on the demo, each of which does next to nothing."""
    graph = json.loads((ROOT / "target" / "manifest.json").read_text())
    count = Counter(node["resource_type"] for node in graph["nodes"].values())
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text("name: trivial\nprofile: trivial\nmodels: {+materialized: table}\n")
    duckdb = {"type": "duckdb", "path": str(folder / "trivial.duckdb"), "threads": 1}
    (folder / "profiles.yml").write_text(
        json.dumps({"trivial": {"target": "duckdb", "outputs": {"duckdb": duckdb}}}) + "\n"
    )
    for number in range(count["seed"]):
        (folder / "seeds" / f"seed_{number}.csv").write_text("number\n1\n")
    for number in range(count["model"]):
        (folder / "models" / f"model_{number}.sql").write_text("select 1 as number\n")
    models: list[dict[str, Any]] = [
        {"name": f"model_{number}", "columns": [{"name": "number", "data_tests": []}]}
        for number in range(count["model"])
    ]
    for number in range(count["test"]):
        test = {"not_null": {"name": f"test_{number}"}}
        models[number % count["model"]]["columns"][0]["data_tests"].append(test)
    unit_tests = [
        {
            "name": f"unit_test_{number}",
            "model": f"model_{number % count['model']}",
            "given": [],
            "expect": {"rows": [{"number": 1}]},
        }
        for number in range(len(graph["unit_tests"]))
    ]
    (folder / "models" / "models.yml").write_text(json.dumps({"models": models, "unit_tests": unit_tests}))


def demo() -> dict[str, Measured]:
    """What a build of the demo takes, and what dbt takes for as many nodes that do nothing."""
    build = [ROOT / ".venv" / "bin" / "dbt", "build"]
    places = {"RETENTION_WAREHOUSE": str(DATA / "demo.duckdb"), "RETENTION_MARTS": str(DATA / "demo_marts.duckdb")}
    ours = measure("demo", build, 0, math.inf, **places)
    folder = DATA / "trivial"
    trivial_project(folder)
    name = "as many trivial nodes"
    trivial = measure(name, [*build, "--project-dir", folder, "--profiles-dir", folder], long=math.inf)
    return {"demo": ours, name: trivial}


def check(name: str, warehouse: Path, answers: Path) -> None:
    """Raises SystemExit where a rival's answers are not the marts'."""
    checked = subprocess.run(
        [sys.executable, BENCHMARKS / "agreement.py", warehouse, answers], capture_output=True, text=True
    )
    print(f"{name}: {checked.stdout.strip() or checked.stderr.strip()}", flush=True)
    if checked.returncode:
        sys.exit(f"{name} does not agree with the marts.")


def machine(load: float) -> str:
    """What the numbers depend on."""
    processor = platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ["duckdb", "pandas", "polars"])
    return (
        f"{os.cpu_count()} cores ({processor}) with a load of {load:.1f} before the run, {memory:.0f} GB of memory, "
        f"Python {platform.python_version()}, {versions}"
    )


def bench(size: str) -> None:
    """Measure everything on a company of this size. Of L the build, the floor and the rivals that fit into memory.

    Raises SystemExit where the build or anything else fails, or answers are not the marts'.
    """
    customers, orders = SIZES.get(size) or (int(size), 10 * int(size))
    load = os.getloadavg()[0]
    measured: dict[str, Any] = demo()
    for years, suffix, sides in [(6, "", SIDES), (12, " 12 years", SIDES[:1])][: 1 if size == "L" else 2]:
        raw = company(customers, orders, years)
        folder = DATA / f"build_{customers}_{years}"
        measured[f"dbt build{suffix}"] = built = dbt_build(f"dbt build{suffix}", raw, folder)
        if built["failed"]:
            sys.exit((folder / "dbt_build.log").read_text()[-3000:])
        groups, slowest = nodes(folder)
        measured.update({f"{name}{suffix}": seconds for name, seconds in groups.items()})
        if years == 6:
            measured["slowest"] = slowest
        for rival in ["floor", *RIVALS]:
            answers = DATA / "answers" / f"{rival}{suffix.replace(' ', '_')}"
            answers.mkdir(parents=True, exist_ok=True)
            for file in answers.iterdir():
                file.unlink()
            for side in sides:
                name = f"{rival} {side}{suffix}"
                script = BENCHMARKS / "rivals" / f"{rival}.py"
                # Twice the years are twice the customer-months.
                needed = 2 * measured[f"{rival} {side}"]["peak_mb"] if suffix else expected_mb(name, customers)
                measured[name] = measure(name, [sys.executable, script, raw, answers, side], needed)
            if rival != "floor" and not any(measured[f"{rival} {side}{suffix}"]["failed"] for side in sides):
                check(rival, folder / "warehouse.duckdb", answers)
        if years == 6:
            measured["floor that writes"] = floor_that_writes(raw, folder, customers)
            measured["incremental"] = incremental(folder, raw)
            measured["dbt run"] = models_alone(raw, folder)
        if years == 6 and size != "L":
            limited = dbt_build("dbt build within 1 GB", raw, folder, RETENTION_MEMORY_LIMIT="1GB")
            measured["dbt build within 1 GB"] = limited
        (folder / "warehouse.duckdb").unlink(missing_ok=True)
    keep(size, customers, orders, load, measured)


def incremental(folder: Path, raw: Path) -> dict[str, Any]:
    """Seconds of what a build of one day's changes would need at least, see incremental.py. Raises SystemExit."""
    command = [sys.executable, BENCHMARKS / "incremental.py", folder, raw]
    finished = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if finished.returncode:
        sys.exit(f"incremental.py failed:\n{finished.stderr}")
    return json.loads(finished.stdout)


def expected_mb(name: str, customers: int) -> float:
    """Memory that a rival should need from L on, going by the largest company below that was measured; else 0."""
    results = json.loads(RESULTS.read_text()).values() if RESULTS.exists() else []
    smaller = [each for each in results if each["customers"] < customers]
    if not smaller or customers < SIZES["L"][0]:
        return 0
    largest = max(smaller, key=lambda each: each["customers"])
    return largest["measured"].get(name, {}).get("peak_mb", 0) * customers // largest["customers"]


def keep(size: str, customers: int, orders: int, load: float, measured: dict[str, Any]) -> None:
    """Write what has been measured so far beside the results of other sizes."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows = customers + 3.4 * customers + orders  # three stretches and more on average
    results[size] = {"customers": customers, "rows": round(rows), "machine": machine(load), "measured": measured}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    bench(sys.argv[1])
    sys.exit(subprocess.run([sys.executable, BENCHMARKS / "report.py"]).returncode)
