"""A rebuild that dies in the middle, in a real process, is completed by running it again."""

import os
import sqlite3
import subprocess
import sys

import pytest

from orchestrator.actions.reconciling import rebuild

CLI = """
from orchestrator.actions.reconciling import rebuild
from orchestrator.cli import main
rebuild.BATCH = 1
main.main()
"""
POINTS = ["db.before_commit@1", "db.after_commit@1", "db.before_commit@3", "db.after_commit@4"]


@pytest.mark.parametrize("point", POINTS)
def test_what_was_written_counts_once_and_the_rest_is_added(shell, provider, point):
    shell.manifest()
    assert shell("run", "hero.yaml", "--yes") == 0
    for path in shell.folder.glob("orchestrator.db*"):
        path.unlink()
    assert shell("db", "upgrade") == 0
    armed = {**os.environ, "ORCHESTRATOR_CRASH_AT": point, "ORCHESTRATOR_TESTING": "1"}
    command = [sys.executable, "-c", CLI, "db", "rebuild", "--from", "outputs"]
    assert subprocess.run(command, env=armed, capture_output=True, check=False).returncode == -9
    assert shell("db", "rebuild", "--from", "outputs", "--json") == 0
    assert shell.document["tasks"] + shell.document["known"] == 3
    assert shell("budget", "audit") == 0
    shell("status", "--json")
    (run,) = shell.document["runs"]
    assert (run["jobs"]["succeeded"], run["spent_usd"], run["held_usd"]) == (3, "0.084", "0.00")
    assert shell("run", "hero.yaml", "--yes") == 0
    assert provider.bill().post_count == 3


def test_who_rebuilt_and_why_is_recorded_once_for_all_rows(shell, provider):
    shell.manifest()
    shell("run", "hero.yaml", "--yes")
    for path in shell.folder.glob("orchestrator.db*"):
        path.unlink()
    for _ in range(2):
        assert shell("db", "rebuild", "--from", "outputs", "--why", "the disk died") == 0
    with sqlite3.connect(shell.folder / "orchestrator.db") as conn:
        rows = conn.execute("SELECT command, subject, new, why FROM acts ORDER BY id").fetchall()
    about = ("db rebuild", rebuild.SUBJECT)
    assert rows == [
        (*about, "begun", "the disk died"),
        (*about, "3 tasks, 3 pictures, $0.084", "the disk died"),
    ]
