"""Programs beside the suite: each is started in its smallest form, and ends well."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS_MAX = 240
"""A program that hangs ends its test; a loaded machine does not."""

SMALLEST = {
    "benchmarks.apply": ("20", "--only", "sqlite"),
    "benchmarks.claim": ("12000", "1", "--only", "finished"),
    "benchmarks.doubts": ("4", "--only", "list with inputs"),
    "benchmarks.downloads": ("2", "1"),
    "benchmarks.lifecycle": ("5", "0.1", "--only", "SQLite"),
    "benchmarks.months": ("50", "1", "--database", "sqlite"),
    "benchmarks.nights": ("20", "3"),
    "benchmarks.pages": ("30",),
    "benchmarks.polling": ("50",),
    "benchmarks.reads": ("50", "1", "--only", "jobs list --state"),
    "benchmarks.thumbnails": ("2", "10", "--rounds", "1"),
    "benchmarks.toplevel": ("0.004", "--task-seconds", "0.3"),
    "tests.browser.screenshot": (),
    "tests.crashes": ("--cycles", "1", "--lanes", "1"),
    "tests.nights": ("--seeds", "1", "--days", "1"),
    "tests.powerloss": ("--jobs", "1", "--torn", "1"),
    "tests.simulation": ("--seeds", "2", "--first", "6", "--jobs", "1"),
    "tests.soak": ("--minutes", "0.01", "--workers", "1", "--database", "sqlite", "--faults", "0"),
}
"""Programs, and what makes them short: seconds each."""

SAYS = {
    "benchmarks": "|---|",
    "tests.browser.screenshot": "review.png: ",
    "tests.crashes": "paid twice 0, lost 0",
    "tests.nights": "violations 0",
    "tests.powerloss": "problems: none",
    "tests.simulation": "violations 0",
    "tests.soak": "PASSED",
}
NEEDS_POSTGRES = {"benchmarks.claim", "benchmarks.reads", "tests.simulation"}
STARTED_ELSEWHERE = {
    "benchmarks.queues": "needs the packages of the bench group; its own test below",
    "tests.simulation.mutations": "every planted bug is a case of tests/simulation/test_mutations.py",
    "tests.nights.bugs": "every planted bug is a case of tests/nights/test_nights_bugs.py",
    "tests.powerloss.victim": "the process that tests.powerloss kills",
    "tests.crashes.processes": "the fork server of tests.crashes",
    "tests.tidy.generate_docs": "tests/tidy/test_tidy_docs.py makes every part of the documents",
}


@pytest.mark.parametrize("program", SMALLEST)
def test_a_program_beside_the_suite_ends_well_and_says_what_it_found(program, request, tmp_path):
    if program in NEEDS_POSTGRES and isinstance(reason := request.getfixturevalue("_postgres"), str):
        pytest.skip(reason)
    if program == "tests.powerloss" and (reason := why_no_trace()):
        pytest.skip(reason)
    if program == "tests.browser.screenshot":
        if CHROMIUM is None:
            pytest.skip("there is no Chromium here")
        arguments = (str(tmp_path / "review.png"),)
    else:
        arguments = SMALLEST[program]
    if program == "tests.soak":
        arguments = (*arguments, "--report", str(tmp_path / "soak.json"))
    ended = started(program, *arguments)
    assert ended.returncode == 0, ended.stdout[-4_000:] + ended.stderr[-4_000:]
    assert SAYS["benchmarks" if program.startswith("benchmarks") else program] in ended.stdout


def test_the_benchmark_of_other_queues_explains_itself():
    ended = started("benchmarks.queues", "--help")
    assert ended.returncode == 0, ended.stderr
    assert "--only" in ended.stdout


@pytest.mark.parametrize("queue", ["dbos", "pgqueuer", "procrastinate"])
def test_another_queue_can_be_imported_where_its_package_is_installed(queue):
    if importlib.util.find_spec(queue) is None:
        pytest.skip(f"{queue} is not installed: uv sync --group bench")
    assert started("benchmarks.queues.__main__", "--help").returncode == 0
    ended = subprocess.run([sys.executable, "-c", f"import benchmarks.queues.{queue}"], cwd=ROOT, check=False)
    assert ended.returncode == 0


def test_no_program_is_forgotten():
    found = {name for folder in ("benchmarks", "tests") for name in programs(ROOT / folder)}
    assert found == SMALLEST.keys() | STARTED_ELSEWHERE.keys()


def programs(folder: Path) -> set[str]:
    """What `python -m` can start: packages with `__main__`, and modules that run when they are the main
    one."""
    found = set()
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.name == "__main__.py":
            found.add(name.removesuffix(".__main__"))
        elif "\nif __name__ == " in path.read_text(encoding="utf-8"):
            found.add(name)
    return found


def why_no_trace() -> str:
    """Why system calls cannot be watched here; empty when they can."""
    from powerloss.trace import why_not

    return why_not()


def started(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
