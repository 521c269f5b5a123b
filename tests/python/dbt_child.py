"""dbt in a process of its own, a copy of one that has imported dbt and Great Expectations: a seventh less time.

What is killed or stopped in a test is started as the command `dbt`: see conftest.dbt_process.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "great_expectations"])
OF_THE_TESTS = {"", *map(str, Path(__file__).resolve().parents[:3])}


def run_dbt(
    arguments: list[str], cwd: Path, environment: dict[str, str], prepare: Callable[[], Any], output: str
) -> None:
    """What the copy does, as the command `dbt` would: the exit code is the command's."""
    from dbt.cli.main import cli

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    with open(output, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    prepare()
    sys.path[:] = [path for path in sys.path if path not in OF_THE_TESTS]  # the plugins are those of `cwd`
    sys.argv = ["dbt", *arguments]
    cli()


def finished_dbt(
    args: list[str], cwd: Path, env: dict[str, str], preexec_fn: Callable[[], Any], **_: Any
) -> tuple[int, str]:
    """The exit code of dbt and what it printed; takes what subprocess would."""
    with tempfile.NamedTemporaryFile() as file:
        process = SERVER.Process(target=run_dbt, args=(args[1:], cwd, env, preexec_fn, file.name))
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode, Path(file.name).read_text(encoding="utf-8")
