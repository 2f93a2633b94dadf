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


def test_bytes_that_are_no_text_are_no_bug(shell, made):
    assert shell("accept", "1", "--note", "a\udcffb\0") == 0
    assert made.job(1).note == "a\ufffdb"
    for option in ("--campaign", "--run", "--reason"):
        assert shell("accept", option, "\udcff", "--yes") == 2
        assert "There is no" in shell.said
    assert shell("accept", "--tag", "client=\udcff", "--yes") == 2


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


def test_a_redo_is_priced_by_id_and_asked_about_by_filter_and_nothing_is_spent(shell, made, typed):
    assert shell("redo", "1", "--set", "resolution=4k", "--dry-run", "--json") == 0
    assert (shell.document["cost_usd"], shell.document["next_command"]) == ("0.056", None)
    assert shell("redo", "1", "--prompt", "Sharper @Image1", "--note", "too dark") == 0
    assert "Asked for another try of 1 job: $0.028" in shell.said
    assert "job 4 is another try of job 1" in shell.said
    shell("reject", "1", "2")
    assert shell("redo", "--verdict", "rejected") == 2
    assert "Ask for another try of 1 job (1 picture, $0.028 when they are made)?" in shell.said
    typed("y\n")
    assert shell("redo", "--verdict", "rejected") == 0
    assert "1 job passed over" in shell.said
    assert made.account() == (2 * 28_000, 0, 0)
    shell("jobs", "list", "--json")
    assert [line["redo_of"] for line in shell.lines] == [None, None, None, 1, 2]
    assert shell("jobs", "show", "4") == 0
    assert "redo of" in shell.said
    assert "Sharper @Image1" in shell.said


def test_a_redo_that_cannot_be_says_why_and_does_the_others(shell, made):
    assert shell("redo", "1", "3", "--json") == 2
    assert [item["id"] for item in shell.document["jobs"]] == [4]
    assert "waits" in shell.document["refused"][0]["why"]
    assert (shell.document["next_command"], shell.document["spends"]) == ("orchestrator work --drain", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["redo"], "Say which jobs to redo"),
        (["redo", "1", "--set", "resolution"], "is no KEY=VALUE"),
        (["redo", "1", "--set", "prompt=a", "--prompt", "b"], "given twice"),
        (["redo", "1", "--set", "resolution=8k", "--set", "promt=x"], "did you mean"),
    ],
)
def test_a_redo_that_means_nothing_changes_nothing(shell, made, words, said):
    assert shell(*words) == 2
    assert said in shell.said
    assert len(made.jobs()) == 2
    assert made.jobs().total() == 3


def test_retrying_a_job_that_has_its_picture_points_to_redo(shell, made):
    assert shell("jobs", "retry", "1") == 2
    assert "Queued 0 jobs again" in shell.said
    assert "job 1 has its picture: `orchestrator redo 1` asks for another" in shell.said


def test_a_listing_says_what_was_said_of_the_pictures_and_why_the_rest_waits(shell, made):
    shell("reject", "1", "--stars", "2", "--note", "too dark")
    shell("campaigns", "pause", "sale", "--because", "waiting for the client")
    shell("jobs", "list", "--json")
    first, _second, third = shell.lines
    assert (first["verdict"], first["stars"], first["note"], first["why"]) == (
        "rejected",
        2,
        "too dark",
        None,
    )
    assert first["created_at"]
    assert first["finished_at"]
    assert "waiting for the client" in third["why"]
    assert shell("jobs", "list", "--verdict", "rejected", "--json") == 0
    assert [line["id"] for line in shell.lines] == [1]
    shell("jobs", "show", "1")
    assert "rejected, 2 of 5 stars: too dark" in shell.said


def test_status_says_what_was_accepted_and_what_an_accepted_picture_cost(shell, made):
    shell("accept", "1")
    shell("reject", "2")
    assert shell("status") == 0
    assert "accepted  sale/hero/main: 1 of 2 judged (50 %), $0.056 an accepted picture" in shell.said
    assert shell("status", "--by", "prompt", "--by", "tag", "--json") == 0
    (run,) = shell.document["runs"]
    assert run["acceptance"] == {
        "accepted": 1,
        "rejected": 1,
        "rate": 0.5,
        "spent_usd": "0.056",
        "cost_per_accepted_usd": "0.056",
    }
    assert [
        (row["by"], row["value"], row["cost_per_accepted_usd"]) for row in shell.document["accepted_by"]
    ] == [
        ("tag", "acme", "0.056"),
        ("prompt", "Place @Image1 on a beach", "0.028"),
        ("prompt", "Place @Image1 on a city", None),
    ]
    assert shell("status", "--by", "prompt") == 0
    assert "Place @Image1 on a beach" in shell.said
