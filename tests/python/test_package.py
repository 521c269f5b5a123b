"""The project as a package of somebody else's: it builds and publishes by the lines that README.md tells."""

import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Build, dbt, lean_project, leave_out_guard

MARTS = ["customer_churn_by_period", "mrr_churn_by_period", "build_changes"]
DEMO = ROOT / "seeds" / "demo"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a few marts, in a git repository of its own."""
    project = lean_project(tmp_path_factory.mktemp("package"), MARTS)
    leave_out_guard(project)
    with open(project / "dbt_project.yml", "a") as file:
        file.write("\ndata_tests:\n  retention_marts:\n    +enabled: false\n    marts:\n      +enabled: true\n")
    as_somebody = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    for command in (["init", "--quiet"], ["add", "."], [*as_somebody, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", "-C", str(project), *command], check=True)
    return project


def lines_of_the_macro() -> dict[str, Any]:
    """The output of a profile that the project asks for."""
    found = re.search(r"{% raw %}(.*?){% endraw %}", (ROOT / "macros" / "publication.sql").read_text(), re.S)
    assert found
    lines: dict[str, Any] = yaml.safe_load(found.group(1))
    return lines


def consumer(folder: Path, source: dict[str, str]) -> Path:
    """A project that has this one as a package, a report of its own, and a test of the report that fails."""
    project = folder / "shop"
    (project / "models").mkdir(parents=True)
    for name, content in {
        "dbt_project.yml": {
            "name": "shop", "version": "1.0", "profile": "shop",
            "vars": {
                "colour": 1, "raw_location": str(folder / "{table}.csv"), "as_of_date": date(2024, 6, 15),
                "retention_marts": {"segments": []},
            },
        },
        "packages.yml": {"packages": [source]},
        "profiles.yml": {"shop": {"target": "own", "outputs": {"own": lines_of_the_macro()}}},
        "models/report.yml": {
            "models": [{
                "name": "report", "access": "public",
                "columns": [{"name": "nothing", "data_tests": ["not_null"]}],
            }],
        },
    }.items():  # fmt: skip
        (project / name).write_text(yaml.safe_dump(content, sort_keys=False))
    query = "select *, null as nothing from {{ ref('retention_marts', 'customer_churn_by_period') }}\n"
    (project / "models" / "report.sql").write_text(query)
    for path in DEMO.glob("raw_*.csv"):
        (folder / path.name[4:]).write_text(path.read_text())
    return project


def run(folder: Path, project: Path, *arguments: str, **variables: object) -> Build:
    return dbt(folder, *arguments, variables=variables, cwd=project)


def test_the_readme_tells_the_lines_that_a_build_asks_for() -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"## As a package of your own project\n.*?```yaml\n(.*?)```", readme, re.S)
    assert found and yaml.safe_load(found.group(1)) == lines_of_the_macro()


@pytest.mark.parametrize("kind", ["local", "git"])
def test_a_project_that_has_this_one_as_a_package(package: Path, tmp_path: Path, kind: str) -> None:
    source = {"local": str(package)} if kind == "local" else {"git": package.as_uri(), "revision": "HEAD"}
    project = consumer(tmp_path, source)
    installed = run(tmp_path, project, "deps")
    assert installed.returncode == 0, installed.output

    finished = run(tmp_path, project, "build", "--exclude-resource-type", "unit_test")
    assert finished.returncode == 1 and "not_null_report_nothing" in finished.output, finished.output[-3000:]
    assert re.search(r"Published 3 marts to \S+/marts\.duckdb \(build ", finished.output), finished.output[-3000:]
    assert "Look: dbt show " in finished.output and "make board" not in finished.output
    assert finished.query("select has_succeeded from quality.builds") == [{"has_succeeded": True}]
    assert {row["segment"] for row in finished.query("from marts.customer_churn_by_period")} == {"all"}

    if kind == "local":
        misspelt = run(tmp_path, project, "build", reporting_timezon="Europe/Berlin")
        assert misspelt.returncode != 0
        assert "nothing reads the var 'reporting_timezon'; did you mean reporting_timezone?" in misspelt.output

        test = project / "tests" / "nobody_leaves.sql"
        test.parent.mkdir()
        test.write_text(
            "select * from {{ ref('retention_marts', 'customer_churn_by_period') }} where churned_customers > 0"
        )
        failed = run(tmp_path, project, "build", "--exclude-resource-type", "unit_test")
        assert re.search(r"Not published: \d+ nodes failed or were skipped \(nobody_leaves, ", failed.output)
