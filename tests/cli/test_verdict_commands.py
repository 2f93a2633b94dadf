"""`accept` and `reject`: what they ask, do, say and refuse."""

import pytest
from support.world import World

from orchestrator.core.states import AttemptState
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database


@pytest.fixture
def made(shell, entropy, clock):
    """Three jobs of the manifest, of which two have pictures."""
    shell("apply", shell.manifest())
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    world = World(database, clock, entropy)
    for _ in range(2):
        world.until(AttemptState.SUCCEEDED)
    yield world
    database.close()


def test_verdicts_by_id_say_what_was_done_and_what_is_next(shell, made):
    assert shell("accept", "1", "2", "--stars", "4") == 0
    assert "Accepted 2 jobs." in shell.said
    assert "--verdict none" in shell.said
    assert shell("reject", "1", "--note", "logo is off") == 0
    assert "redo 1 --dry-run" in shell.said
    assert (made.job(1).verdict, made.job(1).stars, made.job(1).note) == ("rejected", 4, "logo is off")


def test_a_job_without_a_picture_is_refused_the_others_are_done_and_the_exit_code_says_so(shell, made):
    assert shell("accept", "1", "3", "99", "--json") == 2
    assert [item["id"] for item in shell.document["refused"]] == [3, 99]
    assert (shell.document["changed"], shell.document["spends"]) == (1, False)
    assert made.job(1).verdict == "accepted"


def test_a_filter_is_counted_and_asked_about_before_it_acts(shell, made, typed):
    assert shell("reject", "--campaign", "sale", "--dry-run", "--json") == 0
    assert (shell.document["matched"], shell.document["paid_usd"]) == (2, "0.056")
    assert shell("reject", "--campaign", "sale") == 2
    assert "Reject 2 jobs with 2 pictures, paid with $0.056?" in shell.said
    assert "--yes" in shell.said
    typed("n\n")
    assert shell("reject", "--campaign", "sale") == 2
    assert made.job(1).verdict is None
    typed("y\n")
    assert shell("reject", "--campaign", "sale") == 0
    assert made.job(1).verdict == made.job(2).verdict == "rejected"
    assert shell("accept", "--verdict", "rejected", "--yes") == 0
    assert made.job(1).verdict == "accepted"


def test_a_verdict_is_taken_back_with_its_stars(shell, made):
    shell("accept", "1", "--stars", "5")
    assert shell("accept", "1", "--clear") == 0
    assert "Cleared 1 job." in shell.said
    assert (made.job(1).verdict, made.job(1).stars) == (None, None)
    assert shell("accept", "1", "--clear", "--stars", "3") == 2


def test_somebody_elses_word_is_named_when_another_replaces_it(shell, made, monkeypatch):
    monkeypatch.setenv("LOGNAME", "anna")
    shell("accept", "1")
    monkeypatch.setenv("LOGNAME", "bob")
    assert shell("reject", "1") == 0
    assert "job 1 was accepted (by anna on" in shell.said
    assert "the last word counts" in shell.said
    assert shell("events", "--json") == 0
    told = [line for line in shell.lines if line["kind"] in {"accept", "reject"}]
    assert [(line["who"], line["new"]) for line in told] == [("anna", "accepted"), ("bob", "rejected")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accept"], "Say which jobs to accept"),
        (["accept", "1", "--campaign", "sale"], "not both"),
        (["accept", "1", "--stars", "6"], "6 is not in the range"),
        (["accept", "--verdict", "lovely"], "'lovely' is not one of"),
        (["accept", "--state", "failed"], "No job that matches has a picture"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(shell, made, words, said):
    code = shell(*words)
    assert said in shell.said
    assert code == (0 if "--state" in words else 2)
    assert made.job(1).verdict is None
