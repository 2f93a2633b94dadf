"""`canary:` in a manifest, from the plan to the approval, over edits of the manifest."""

import pytest
from sqlalchemy import select

from orchestrator.runtime.clock import SystemClock
from orchestrator.store.account import pauses
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import jobs, runs


def states(shell):
    shell("jobs", "list", "--json")
    return shell.lines


def canaries(shell):
    database = opened(shell)
    with database.read() as tx:
        found = list(tx.conn.execute(select(jobs.c.id).where(jobs.c.canary).order_by(jobs.c.id)).scalars())
    database.close()
    return found


def opened(shell):
    return Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())


def test_the_plan_says_what_is_made_first(shell):
    assert shell("plan", shell.manifest(extra="canary: 2")) == 0
    assert "Canary      2 jobs of hero first; the rest waits for `orchestrator runs approve`" in shell.said
    assert shell("plan", "hero.yaml", "--json") == 0
    assert shell.document["manifests"][0]["canary"] == {"jobs": 2}
    shell("plan", shell.manifest(extra="canary: {jobs: 2, approve: auto}"))
    assert "its thresholds let the rest run" in shell.said


def test_a_canary_is_approved_once_and_a_second_approval_says_so(shell):
    shell("apply", shell.manifest(extra="canary: 1"))
    assert canaries(shell) == [2]
    assert states(shell)[2]["why"].startswith("Waits for the canary of its run")
    assert states(shell)[1]["why"].startswith("Ready")
    assert shell("runs", "approve", "hero", "--why", "it is good", "--json") == 0
    assert (shell.document["changed"], shell.document["jobs"], shell.document["cost_usd"]) == (
        True,
        3,
        "0.084",
    )
    assert shell("runs", "approve", "hero") == 0
    assert "was approved already" in shell.said
    shell("events", "--acts", "--json")
    assert [(act["kind"], act["why"]) for act in shell.lines] == [("runs approve", "it is good")]
    assert states(shell)[2]["why"].startswith("Ready")


def test_what_follows_on_an_approval_under_a_cap_that_lets_nothing_through_is_a_higher_cap(shell):
    shell("apply", shell.manifest(extra="canary: 1\nbudget: 0.01"))
    raised = "orchestrator budget set run:sale/hero/main --total USD"
    for words in (["approve", "hero"], ["prioritise", "hero"]):
        assert shell("runs", *words, "--json") == 0
        assert (shell.document["next_command"], shell.document["spends"]) == (raised, False)
    assert shell("budget", "set", "run:sale/hero/main", "--total", "1") == 0
    assert shell("runs", "approve", "hero", "--json") == 0
    assert shell.document["next_command"] == "orchestrator work --drain"


def test_a_run_without_a_canary_needs_no_approval(shell):
    shell("apply", shell.manifest())
    assert shell("runs", "approve", "hero") == 2
    assert "its manifest has no canary" in shell.said
    assert shell("runs", "approve", "winter") == 2
    assert "There is no run winter" in shell.said


def test_applying_again_keeps_the_canary_and_an_approval_stands(shell):
    shell("apply", shell.manifest(extra="canary: 2"))
    first = canaries(shell)
    shell("apply", "hero.yaml")
    assert canaries(shell) == first
    shell("runs", "approve", "hero")
    shell("apply", "hero.yaml")
    assert shell("runs", "approve", "hero") == 0
    assert "was approved already" in shell.said


def test_an_edit_that_makes_many_jobs_new_is_looked_at_first_again(shell):
    shell("apply", shell.manifest(extra="canary: 2"))
    shell("runs", "approve", "hero")
    shell("plan", shell.manifest(extra="canary: 2", word=" at night"))
    assert "Canary      2 jobs" in shell.said
    shell("apply", "hero.yaml")
    assert len(canaries(shell)) == 2
    assert min(canaries(shell)) > 3
    assert states(shell)[0]["why"].startswith("Waits for the canary")
    assert shell("runs", "approve", "hero", "--json") == 0
    assert shell.document["changed"] is True


def test_a_canary_that_is_added_to_a_manifest_holds_what_waits_and_one_that_is_taken_out_lets_it_go(shell):
    shell("apply", shell.manifest())
    shell("apply", shell.manifest(extra="canary: 1"))
    assert len(canaries(shell)) == 1
    assert sum(line["why"].startswith("Waits for the canary") for line in states(shell)) == 2
    shell("apply", shell.manifest())
    assert all(line["why"].startswith("Ready") for line in states(shell))


@pytest.mark.parametrize("part", [["--limit", "2"], ["--sample", "2"]])
def test_the_canary_of_a_part_is_in_the_part(shell, part):
    shell("apply", shell.manifest(extra="canary: 1"), *part)
    assert len(canaries(shell)) == 1
    shell("apply", "hero.yaml")
    assert len(canaries(shell)) == 1


def test_a_part_that_is_asked_for_later_adds_nothing_to_the_canary(shell):
    shell("apply", shell.manifest(extra="canary: 1"))
    first = canaries(shell)
    shell("apply", "hero.yaml", "--limit", "1")
    assert canaries(shell) == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("canary: 0", "expected a whole number from 1 to 1000"),
        ("canary: {approve: auto}", "the key 'jobs' is missing"),
        ("canary: {jobs: 2, max_failed: 20}", "expected a share such as 20% or 0.2"),
        ("canary: {jobs: 2, timeout: 12}", "expected a length of time such as 30m, 12h or 2d"),
        ("canary: {jobs: 2, on_timeout: go}", "needs a timeout"),
        ("canary: {jobs: 2, aprove: auto}", 'did you mean "approve"'),
        ("canary: ten", "expected a number of jobs, or a mapping with jobs"),
    ],
)
def test_what_is_wrong_with_a_canary_is_said_with_its_place(shell, words, said):
    assert shell("plan", shell.manifest(extra=words)) == 2
    assert "hero.yaml:5:" in shell.said
    assert said.lower() in shell.said.lower()


def test_a_run_that_a_breaker_paused_names_what_lets_it_go_on(shell):
    shell("apply", shell.manifest(extra="breakers: {failed: 20%, cost_per_accepted: 0.20, p95_seconds: 120}"))
    database = opened(shell)
    with database.write() as tx:
        (run,) = tx.conn.execute(select(runs)).all()
        pauses.begin(tx, pauses.Pause(scope="run", name=str(run.id), reason="p95_seconds", message="slow"))
    database.close()
    assert run.settings["breakers"] == {
        "failed": 0.2,
        "flagged": None,
        "cost_per_accepted": 200_000,
        "p95_seconds": 120.0,
        "min_jobs": None,
    }
    shell("status")
    assert "orchestrator runs resume sale/hero/main" in shell.said
    assert shell("runs", "resume", "hero", "--why", "they are fast again", "--json") == 0
    assert shell.document["changed"] is True
    assert shell("runs", "resume", "hero") == 0
    assert "was not paused by a breaker" in shell.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("breakers: {failed: 120%}", "expected a share such as 20% or 0.2"),
        ("breakers: {cost_per_accepted: 0}", "expected an amount above 0"),
        ("breakers: {p95: 120}", 'did you mean "p95_seconds"'),
    ],
)
def test_what_is_wrong_with_breakers_is_said_with_its_place(shell, words, said):
    assert shell("plan", shell.manifest(extra=words)) == 2
    assert "hero.yaml:5:" in shell.said
    assert said.lower() in shell.said.lower()
