"""The page for those who run the marts, models/production.md: each of its commands is run here, as it stands there."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml
from conftest import ROOT, inherited, lean_project
from filelock import FileLock

PAGE = (ROOT / "models" / "production.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M))
MARTS = [
    "customer_churn_by_period", "mrr_churn_by_period", "mrr_movements", "data_quality", "build_changes",
    "build_changes_by_month",
]  # fmt: skip
WORKFLOW = "A workflow for GitHub Actions"
PERSON = "C00184"
GIT = ["git", "-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]


def blocks(section: str, language: str) -> list[str]:
    """The fenced blocks of a section in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTIONS[section], re.S | re.M)


def shell(project: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody at a shell in the project would, but for the network: pip has none."""
    path = f"{project / '.venv' / 'bin'}:{os.environ['PATH']}"
    environment = {**inherited(), "PATH": path, "PIP_NO_INDEX": "1", "DBT_USE_COLORS": "false", **environment}
    return subprocess.run(["bash", "-ec", command], cwd=project, env=environment, capture_output=True, text=True)


def cron_command() -> str:
    """What cron would run, with the folder left out, where a percent sign stands for itself after a backslash."""
    (table,) = blocks("Every morning", "crontab")
    (line,) = [line for line in table.splitlines() if not re.match(r"\w+=", line)]
    *schedule, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*]+", field) for field in schedule) and len(schedule) == 5
    folder, command = command.split(" && ", 1)
    assert folder == "cd /srv/retention_marts" and not re.search(r"(?<!\\)%", command)
    return command.replace("\\%", "%")


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def texts(file: Path) -> str:
    """Everything that the tables of a database file say."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        return "\n".join(str(connection.table(f'"{schema}"."{name}"').fetchall()) for schema, name in names)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the marts of a company are run: the project in git, with the settings of the page, after one morning."""
    project = lean_project(tmp_path_factory.mktemp("site"), MARTS)
    grains = project / "seeds" / "reference" / "period_grains.csv"
    lines = grains.read_text().splitlines(keepends=True)
    grains.write_text("".join(line for line in lines if line.startswith(("period_grain", "month"))))
    settings = project / "dbt_project.yml"
    (given,) = [yaml.safe_load(block)["vars"] for block in blocks("Settings", "yaml")]
    for name, value in given.items():
        text, count = re.subn(rf"^  {name}: \S+", f"  {name}: {value}", settings.read_text(), flags=re.M)
        assert count == 1
        settings.write_text(text)
    with open(settings, "a") as file:
        file.write("\ndata_tests:\n  retention_marts:\n    intermediate:\n      +enabled: false\n")
    shutil.copy(ROOT / ".gitignore", project)
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*GIT, *command], cwd=project, check=True)

    (project / ".venv").symlink_to(ROOT / ".venv")
    for path in (project / "requirements").iterdir():
        os.utime(path, (0, 0))  # older than the environment, so that make does not install it again
    (project / "exports").mkdir()
    for path in (ROOT / "seeds" / "demo").glob("raw_*.csv"):
        shutil.copy(path, project / "exports" / path.name[4:])
    finished = shell(project, cron_command())
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


@pytest.fixture
def copy(site: Path, tmp_path: Path) -> Path:
    """A copy of the site, to write to."""
    return Path(shutil.copytree(site, tmp_path / "project", symlinks=True))


def test_the_cron_line_publishes_yesterday_and_prints_warnings_alone(site: Path) -> None:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    assert query(site / "marts.duckdb", "select distinct as_of_date, is_demo from marts.published") == [(today, False)]
    log = (site / "logs" / "dbt.log").read_text()
    assert "Published 6 marts to marts.duckdb" in log and "warning: orders has at least one order within 40" in log


def test_the_readme_has_the_same_cron_line() -> None:
    (table,) = blocks("Every morning", "crontab")
    assert f"```crontab\n{table.splitlines()[-1]}\n```" in (ROOT / "README.md").read_text()


def test_the_exit_codes(site: Path) -> None:
    codes = dict(re.findall(r"^\| (\d) \| (.*) \|$", SECTIONS["Every morning"], re.M))
    assert list(codes) == ["0", "1", "2"]
    dbt = ".venv/bin/dbt --log-level warn"
    selection = f"{dbt} build --select int_as_of_date"
    for environment, code in (("0", 0), ("1", 1)):
        finished = shell(site, selection, RETENTION_MUST_PUBLISH=environment)
        assert finished.returncode == code, finished.stdout
    assert "Not published: a selection was built" in finished.stdout
    for command in (f"{dbt} build --vars '{{raw_locaton: x}}'", f"{dbt} build --vars '{{raw_location: null}}'"):
        assert shell(site, command).returncode == 2
    with FileLock(site / "warehouse.duckdb.lock"):
        finished = shell(site, selection)
        assert finished.returncode == 2 and "Another process is at work on" in finished.stdout


def before_freshness(project: Path) -> None:
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute("create schema billing")
        for path in (project / "exports").glob("*.csv"):
            connection.execute(f"create table billing.{path.stem} as from read_csv(?, all_varchar = true)", [str(path)])


def before_restore(project: Path) -> None:
    shutil.copy(project / "marts.duckdb", project / "marts.previous.duckdb")
    with duckdb.connect(str(project / "marts.previous.duckdb")) as connection:
        connection.execute("update main.published set build_id = 'the one before'")


def before_deleting(project: Path) -> None:
    """The person is in the guard's history and in a Parquet folder of before, and leaves the exports."""
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute(f"update quality.expectation_results set samples = '{PERSON}' where raw_table = 'plans'")
    shutil.copy(project / "marts.duckdb", project / "marts.previous.duckdb")
    for path in (project / "exports").iterdir():
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if PERSON not in line.split(",")))
    for build in ("20240101T000000-a", "20240102T000000-b"):
        (project / "parquet" / build).mkdir(parents=True)
    (project / "parquet" / "current").symlink_to("20240102T000000-b")
    assert PERSON in texts(project / "warehouse.duckdb") and PERSON in texts(project / "marts.duckdb")


def before_upgrading(project: Path) -> None:
    """The new version has other days."""
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("Europe/Berlin", "Asia/Tokyo"))
    subprocess.run([*GIT, "commit", "--quiet", "--all", "-m", "new version"], cwd=project, check=True)


def after_backups(project: Path, printed: str) -> None:
    for name in ("warehouse.duckdb", "marts.duckdb"):
        assert (project / name).read_bytes() == (project / "backups" / name).read_bytes()


def after_deleting(project: Path, printed: str) -> None:
    for name in ("warehouse.duckdb", "marts.duckdb"):
        assert PERSON not in texts(project / name), name
        assert "C00185" in texts(project / name), name
        assert PERSON.encode() not in (project / name).read_bytes()
    assert not (project / "marts.previous.duckdb").exists() and not (project / "logs").exists()
    assert query(project / "warehouse.duckdb", "select count(*) from quality.builds where has_succeeded") == [(2,)]
    assert sorted(path.name for path in (project / "parquet").iterdir()) == ["20240102T000000-b", "current"]


def after_restore(project: Path, printed: str) -> None:
    assert query(project / "marts.duckdb", "select distinct build_id from marts.published") == [("the one before",)]


def after_dev(project: Path, printed: str) -> None:
    assert "to dev_marts.duckdb" in printed
    (build,) = query(project / "marts.duckdb", "select distinct build_id from marts.published")
    assert query(project / "dev_marts.duckdb", "select distinct build_id from dev_marts.published") != [build]


def after_memory(project: Path, printed: str) -> None:
    assert (project / "parquet" / "current" / "mrr_movements.parquet").exists()


def after_validate(project: Path, printed: str) -> None:
    assert re.search(r"^exports keep the contract: 6 tables, \d+ expectations", printed, re.M)
    assert len(re.findall(r"^exports keep the contract: 1 table, ", printed, re.M)) == 2
    for folder in ("validate", "orders"):
        assert {path.name for path in (project / "target" / folder).iterdir()} >= {"validate.json", "validate.xml"}


def after_freshness(project: Path, printed: str) -> None:
    assert "WARN freshness of raw.orders" in printed


def after_alerts(project: Path, printed: str) -> None:
    assert '"severity": "warning"' in printed and "has at least one order within 40 days of as_of_date" in printed
    assert printed.count('"show": [') == 2


def after_upgrade(project: Path, printed: str) -> None:
    assert "marts to dev_marts.duckdb" in printed
    assert '"mart": "customer_churn_by_period"' in printed
    assert "reporting_timezone from Europe/Berlin to Asia/Tokyo" in printed


Check = Callable[[Path, str], None]
BEFORE: dict[str, Callable[[Path], None]] = {
    "Freshness of raw tables": before_freshness,
    "Back to the marts of before": before_restore,
    "Deleting one person's data": before_deleting,
    "Upgrading": before_upgrading,
}
AFTER: dict[str, Check] = {
    "Alerts": after_alerts,
    "Exports, before they are used": after_validate,
    "Freshness of raw tables": after_freshness,
    "Back to the marts of before": after_restore,
    "Backups": after_backups,
    "Deleting one person's data": after_deleting,
    "Development beside production": after_dev,
    "Upgrading": after_upgrade,
    "Memory": after_memory,
}


def test_no_command_is_left_out() -> None:
    known = {section: blocks(section, "sh") for section in SECTIONS if blocks(section, "sh")}
    assert known.keys() == AFTER.keys()
    fences = re.findall(r"^```(\w+)$", PAGE, re.M)
    assert fences.count("sh") == sum(map(len, known.values()))
    assert sorted(set(fences)) == ["crontab", "sh", "yaml"] and fences.count("yaml") == 2


@pytest.mark.parametrize("section", AFTER)
def test_the_commands_of(section: str, copy: Path) -> None:
    BEFORE.get(section, lambda project: None)(copy)
    printed = ""
    for block in blocks(section, "sh"):
        finished = shell(copy, block)
        printed += finished.stdout
        assert finished.returncode == 0, f"{block}\n{finished.stdout}{finished.stderr}"
    AFTER[section](copy, printed)


def test_validate_finds_the_schema_that_the_settings_name(copy: Path) -> None:
    before_freshness(copy)
    settings = copy / "dbt_project.yml"
    text = settings.read_text().replace("raw_location: exports/{table}.csv", "raw_location: null")
    settings.write_text(text.replace("raw_schema: null", "raw_schema: billing"))
    finished = shell(copy, ".venv/bin/python -m plugins.validate --table orders")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "exports keep the contract: 1 table, " in finished.stdout


# What a pull request does to a column of a mart: in its SQL and in its contract, what is replaced by what.
SQL_CHANGES = {
    "removed": (r"        changes\.mrr_change,\n", ""),
    "retyped": (r"changes\.mrr_change,", "cast(changes.mrr_change as double) as mrr_change,"),
}
CONTRACT_CHANGES = {
    "removed": (r" *- \{name: mrr_change, (?:.*\n)+?(?= *- )", ""),
    "retyped": (r'(name: mrr_change, data_type: )"decimal\(\d+,6\)"', r"\1double precision"),
}


@pytest.mark.parametrize("change", [None, "removed", "retyped"])
def test_the_workflow(site: Path, tmp_path: Path, change: str | None) -> None:
    project = tmp_path / "runner"
    subprocess.run(["git", "clone", "--quiet", str(site), str(project)], check=True)
    (project / ".venv").symlink_to(ROOT / ".venv")
    model = project / "models" / "marts" / "subscriptions" / "mrr_movements.sql"
    model.write_text(f"-- Changed.\n{model.read_text()}")
    if change:
        for path, changes in ((model, SQL_CHANGES), (model.with_suffix(".yml"), CONTRACT_CHANGES)):
            text, count = re.subn(*changes[change], path.read_text())
            assert count == 1
            path.write_text(text)
    subprocess.run([*GIT, "commit", "--quiet", "--all", "-m", "change"], cwd=project, check=True)

    (text,) = blocks(WORKFLOW, "yaml")
    workflow = yaml.safe_load(text)
    assert workflow[True] == "pull_request"  # YAML reads "on" as true
    (job,) = workflow["jobs"].values()
    printed: list[str] = []
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert actions == ["actions/checkout@v4", "actions/setup-python@v5"]
    for step in job["steps"]:
        if "run" in step:
            finished = shell(project, step["run"], GITHUB_BASE_REF="main", **job["env"])
            printed.append(finished.stdout)
            if change and "ls" in step["run"].split():
                assert finished.returncode != 0 and "breaking change" in finished.stdout, finished.stdout
                assert "mrr_movements" in finished.stdout and "mrr_change" in finished.stdout, finished.stdout
                return
            assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "retention_marts.marts.subscriptions.mrr_movements" in printed[2].splitlines()
    assert "Not published: a selection was built" in printed[3] and "ERROR=0" in printed[3]
