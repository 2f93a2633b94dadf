"""`orchestrator notify` and a run that tells people, as a user has them."""

import json
import sqlite3

import pytest
from support.letters import receiver

__all__ = ["receiver"]


@pytest.fixture
def told(shell, provider, receiver):
    """A folder whose configuration names a receiver that is there, and one that is not."""
    config = shell.folder / "config.yaml"
    config.write_text(
        f"{config.read_text()}notify:\n  ops: {{via: webhook, url: '{receiver.url}'}}\n"
        "  team: {via: slack, url_env: NOBODY_SET_THIS, events: [cap_threshold]}\n"
    )
    return receiver


def kinds(told) -> list[str]:
    return [json.loads(body)["kind"] for _, body in told.got]


def test_a_run_tells_that_it_has_finished(shell, told):
    shell("run", shell.manifest(), "--yes")
    assert kinds(told) == ["run_finished"]
    document = json.loads(told.got[0][1])
    assert document["data"]["pictures"] > 0
    assert "sandbox-key" not in json.dumps(document)


def test_a_run_tells_nobody_of_a_rehearsal(shell, told):
    shell("run", shell.manifest(), "--yes", "--sandbox")
    assert told.got == []


def test_the_test_says_who_took_it_and_fails_when_somebody_did_not(shell, told):
    assert shell("notify", "test") == 1
    assert shell.out.splitlines() == [
        "ops: told",
        "team: the environment variable NOBODY_SET_THIS, which holds its URL, is not set",
    ]
    assert kinds(told) == ["test"]
    assert shell("notify", "test", "ops", "--json") == 0
    assert shell.document["told"] == [{"target": "ops", "trouble": None}]


def test_a_name_of_nobody_and_a_configuration_without_anybody_are_errors(shell, told):
    assert shell("notify", "test", "opps") == 2
    assert 'Did you mean "ops"?' in shell.said
    (shell.folder / "config.yaml").write_text("{}")
    assert shell("notify", "test") == 2
    assert "there is no `notify:`" in shell.said


def test_what_could_not_be_delivered_is_listed_and_tried_again_on_demand(shell, told):
    told.status = 503
    shell("run", shell.manifest(), "--yes")
    shell("notify", "list")
    assert "next try" in shell.out
    shell("notify", "list", "--json")
    assert [line["trouble"] for line in shell.lines] == ["HTTP 503"]
    told.status = 204
    shell("notify", "retry")
    shell("work", "--drain")
    shell("notify", "list", "--json")
    assert [line["state"] for line in shell.lines] == ["delivered"]


def test_what_was_given_up_is_said_with_the_command_that_tries_again(shell, told):
    told.status = 503
    shell("run", shell.manifest(), "--yes")
    with sqlite3.connect(shell.folder / "orchestrator.db") as connection:
        connection.execute("UPDATE notices SET next_try_at = NULL")
    shell("notify", "list")
    assert "given up: HTTP 503" in shell.out
    assert "orchestrator notify retry" in shell.said
