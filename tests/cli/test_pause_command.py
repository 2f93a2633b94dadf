"""Stopping everything, and refusing to work where files cannot be locked."""

import json

import pytest

from orchestrator.actions.setup import mounts
from orchestrator.cli.main import run
from orchestrator.store.account import pauses
from orchestrator.store.attempts import lifecycle
from orchestrator.store.attempts.lifecycle import Send


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def asked(capsys, *words):
    code = run([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_pause_shows_in_status_with_its_reason_and_ends_with_resume(capsys):
    run(["db", "upgrade"])
    capsys.readouterr()
    assert asked(capsys, "pause", "--because", "the invoice is odd") == (0, {"changed": True})
    assert asked(capsys, "pause", "--because", "still") == (0, {"changed": False})
    _, status = asked(capsys, "status")
    ((stop),) = status["stopped"]
    assert (stop["scope"], stop["reason"], bool(stop["since"])) == ("account", "paused", True)
    assert asked(capsys, "resume") == (0, {"changed": True, "still_stopped": []})
    assert asked(capsys, "resume") == (0, {"changed": False, "still_stopped": []})
    assert asked(capsys, "status")[1]["stopped"] == []


def test_the_next_step_of_a_status_ends_what_stops_the_work(capsys, tmp_path):
    run(["init"])
    run(["apply", str(tmp_path / "jobs" / "quickstart.yaml")])
    for stop, step, start in (
        (["pause"], "orchestrator resume", ["resume"]),
        (
            ["campaigns", "pause", "quickstart"],
            "orchestrator campaigns resume quickstart",
            ["campaigns", "resume", "quickstart"],
        ),
        (
            ["budget", "set", "account", "--day", "0"],
            "orchestrator budget set account --day USD",
            ["budget", "set", "account", "--day", "none"],
        ),
    ):
        run(stop)
        capsys.readouterr()
        run(["status"])
        assert step in capsys.readouterr().err
        run(start)
        capsys.readouterr()
        run(["status"])
        assert step not in capsys.readouterr().err


@pytest.mark.parametrize("scope", ["account", "campaign"])
def test_what_is_claimed_when_a_person_pauses_is_not_sent(world, scope):
    run_ = world.run(2)
    held = world.lease()
    name = str(run_.campaign_id) if scope == "campaign" else ""
    with world.database.write() as tx:
        pauses.begin(tx, pauses.Pause(scope=scope, name=name, reason=pauses.BY_OPERATOR, message="wait"))
    assert world.send(held) is Send.PAUSED
    assert world.attempts() == {"leased": 1}
    with world.database.write() as tx:
        pauses.end(tx=tx, scope=scope, name=name, reason=pauses.BY_OPERATOR)
    assert world.send(held) is lifecycle.Send.GO


@pytest.mark.parametrize("words", [["status"], ["db", "upgrade"], ["init"], ["work", "--drain"]])
def test_a_sqlite_file_on_a_network_file_system_is_refused(words, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(mounts, "network_file_system", lambda path: "nfs4")
    assert run(words) == 2
    assert "network file system (nfs4)" in capsys.readouterr().err
    assert not (tmp_path / "orchestrator.db").exists()
