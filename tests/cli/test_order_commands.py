"""`jobs prioritise`, `hold`, `release` and `runs`: by id or by filter, with who decided it and why."""

import pytest


@pytest.fixture
def applied(shell):
    shell("apply", shell.manifest())
    return shell


def test_jobs_are_held_with_their_reason_and_released_again(applied):
    shell = applied
    assert shell("jobs", "hold", "2", "--why", "the client decides", "--json") == 0
    assert {key: shell.document[key] for key in ("matched", "changed", "left")} == {
        "matched": 1,
        "changed": 1,
        "left": [],
    }
    assert shell.document["next_command"] == "orchestrator jobs release --reason held"
    shell("jobs", "list", "--json")
    assert [line["reason"] for line in shell.lines] == [None, "held", None]
    assert shell.lines[1]["why"] == ("Held: the client decides. To let it run: orchestrator jobs release 2")
    shell("status")
    assert "held" in shell.said
    assert "orchestrator jobs release --run sale/hero/main" in shell.said
    assert shell("jobs", "release", "--run", "sale/hero/main", "--json") == 0
    assert (shell.document["changed"], shell.document["next_command"]) == (1, "orchestrator work --drain")
    shell("events", "--acts", "--json")
    acts = shell.lines
    assert [(act["kind"], act["old"], act["new"]) for act in acts] == [
        ("jobs hold", "waiting", "held"),
        ("jobs release", "held", "waiting"),
    ]
    assert acts[0]["why"] == "the client decides"


def test_jobs_are_put_ahead_by_filter_and_a_dry_run_changes_nothing(applied):
    shell = applied
    assert shell("jobs", "prioritise", "--tag", "client=acme", "--dry-run") == 0
    assert "Would put 3 jobs ahead. Nothing was changed." in shell.said
    assert shell("jobs", "prioritise", "3", "--json") == 0
    assert (shell.document["changed"], shell.document["spends"]) == (1, True)


@pytest.mark.parametrize("verb", ["prioritise", "hold", "release"])
@pytest.mark.parametrize(
    "words", [[], ["99"], ["--run", "winter"], ["--tag", "client=nobody"], ["1", "--run", "hero"]]
)
def test_a_selector_that_names_nothing_is_an_error(applied, verb, words):
    assert applied("jobs", verb, *words) == 2
    assert "Nothing was changed" in applied.said or "There is no" in applied.said


def test_what_stays_as_it_is_is_told_by_id(applied):
    applied("jobs", "cancel", "1")
    assert applied("jobs", "hold", "1", "2") == 0
    assert "Held 1 job." in applied.said
    assert "job 1 is cancelled" in applied.said
    applied("jobs", "release", "3")
    assert "job 3 is not held" in applied.said


def test_a_run_is_put_before_others_and_its_manifest_s_word_can_count_again(applied):
    shell = applied
    shell("apply", shell.manifest("late", extra="priority: -2"))
    assert shell("runs", "prioritise", "late", "--why", "a launch", "--json") == 0
    assert (shell.document["old"], shell.document["new"]) == (-2, 1)
    assert shell("runs", "prioritise", "late") == 0
    assert "priority 1 already" in shell.said
    shell("jobs", "prioritise", "1")
    assert "orchestrator runs prioritise sale/hero/main" in shell.said
    assert shell("runs", "prioritise", "late", "--reset", "--json") == 0
    assert shell.document["new"] == -2
    assert shell("runs", "prioritise", "late", "--reset", "--priority", "3") == 2
    assert shell("runs", "prioritise", "nothing") == 2
    assert "There is no run nothing" in shell.said


def test_runs_are_listed(applied):
    assert applied("runs", "list") == 0
    assert "sale/hero/main" in applied.said
    assert applied("runs", "list", "--json") == 0
    assert applied.lines[0]["jobs"]["pending"] == 3
