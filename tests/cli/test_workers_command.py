"""Looking at workers and asking one to finish, from the command line."""

import json

import pytest

from orchestrator.cli.main import run
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.account import workers
from orchestrator.store.db.database import Database


@pytest.fixture(autouse=True)
def _one_worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["db", "upgrade"]) == 0
    database = Database.open("sqlite:///orchestrator.db", SystemClock())
    with database.write() as tx:
        workers.register(tx, workers.WorkerRow(id="h-1-a", host="h", pid=1, version="9.9", lease_ms=60_000))
    database.close()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_worker_is_listed_and_drained(capsys):
    capsys.readouterr()
    assert run(["workers", "list", "--json"]) == 0
    (row,) = lines(capsys)
    assert (row["id"], row["host"], row["pid"], row["version"]) == ("h-1-a", "h", 1, "9.9")
    assert (row["state"], row["attempts"], row["submits_last_minute"]) == ("running", {}, 0)
    assert run(["workers", "drain", "h-1-a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"worker": "h-1-a", "changed": True}
    assert run(["workers", "list"]) == 0
    shown = capsys.readouterr()
    assert "draining" in shown.out + shown.err


def test_an_unknown_worker_is_an_error_that_says_where_to_look(capsys):
    assert run(["workers", "drain", "nobody"]) == 2
    assert "orchestrator workers list" in capsys.readouterr().err
