"""Lost replies from the command line: shown with what is possible, decided once, and paid once."""

import pytest

from orchestrator.core.errors import ExitCode
from orchestrator.sandbox import parse_faults

CONFIG = """\
limits: {level: gold}
in_doubt: {settle_seconds: 0.2}
worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}
"""


@pytest.fixture
def doubted(shell, provider):
    """Two of three replies lost by a provider whose list shows no inputs: `run` leaves both to the
    operator."""
    (shell.folder / "config.yaml").write_text(CONFIG)
    provider.use_faults(parse_faults(["submit.drop_after@1-2"]))
    assert shell("run", shell.manifest(), "--yes") == ExitCode.OPERATOR
    assert "orchestrator in-doubt list" in shell.said
    assert shell("in-doubt", "list", "--json") == ExitCode.OPERATOR
    return shell.lines


def test_the_list_shows_every_candidate_with_its_pictures_and_what_is_held(shell, provider, doubted):
    assert [line["held_usd"] for line in doubted] == ["0.028", "0.028"]
    tasks = {task.id for task in provider.bill().tasks}
    for line in doubted:
        assert len(line["candidates"]) == 2
        assert {item["prediction_id"] for item in line["candidates"]} <= tasks
        assert all(item["status"] == "completed" and item["outputs"] for item in line["candidates"])
    assert shell("in-doubt", "list") == ExitCode.OPERATOR
    assert "2 attempts in doubt, $0.056 held" in shell.said
    assert "/outputs/" in shell.said


def test_nothing_is_sent_again_while_in_doubt(shell, provider, doubted):
    assert shell("work", "--drain") == ExitCode.OPERATOR
    assert provider.bill().post_count == 3


def test_adopting_both_finishes_the_run_and_nothing_is_paid_twice(shell, provider, doubted):
    tasks = [item["prediction_id"] for item in doubted[0]["candidates"]]
    for line, task in zip(doubted, tasks, strict=True):
        assert shell("in-doubt", "resolve", str(line["attempt"]), "--adopt", task) == ExitCode.DONE
        assert f"adopted task {task}" in shell.said
    assert shell("work", "--drain") == ExitCode.DONE
    bill = provider.bill()
    assert (bill.post_count, bill.charged_micros) == (3, 84_000)
    assert shell("in-doubt", "list") == ExitCode.DONE
    assert shell("budget", "audit") == ExitCode.DONE
    assert shell("reconcile") == ExitCode.DONE


def test_a_decision_counts_once(shell, provider, doubted):
    attempt = str(doubted[0]["attempt"])
    assert shell("in-doubt", "resolve", attempt, "--write-off", "--json") == ExitCode.DONE
    assert shell.document["attempt"] == int(attempt)
    for again in (["--absent"], ["--write-off"], ["--adopt", "x"]):
        assert shell("in-doubt", "resolve", attempt, *again) == ExitCode.USAGE
        assert "not in doubt" in shell.said
    shell("status", "--json")
    (run,) = shell.document["runs"]
    assert (run["spent_usd"], run["held_usd"], run["in_doubt"]) == ("0.056", "0.028", 1)


def test_a_decision_against_a_possible_task_names_it_and_can_be_taken_back_before_the_job_is_sent_again(
    shell, provider, doubted
):
    attempt, job = str(doubted[0]["attempt"]), str(doubted[0]["job"])
    task = doubted[0]["candidates"][0]["prediction_id"]
    assert shell("in-doubt", "resolve", attempt, "--absent") == ExitCode.DONE
    assert task in shell.said
    assert "orchestrator jobs adopt JOB TASK" in shell.said
    assert shell("jobs", "adopt", job, task) == ExitCode.DONE
    shell("work", "--drain")
    assert provider.bill().post_count == 3
    assert shell("budget", "audit") == ExitCode.DONE


def test_what_was_never_created_is_sent_again(shell, provider):
    (shell.folder / "config.yaml").write_text(CONFIG)
    provider.use_faults(parse_faults(["submit.drop_before@1"]))
    assert shell("run", shell.manifest(), "--yes") == ExitCode.DONE
    bill = provider.bill()
    assert (len(bill.tasks), bill.charged_micros) == (3, 84_000)


@pytest.mark.parametrize(
    "words", [[], ["--absent", "--write-off"], ["--adopt", "x", "--absent"], ["--adopt", "x", "--write-off"]]
)
def test_exactly_one_decision_is_asked_for(shell, words):
    assert shell("in-doubt", "resolve", "1", *words) == ExitCode.USAGE
    assert "exactly one" in shell.said


@pytest.mark.parametrize("words", [["--absent"], ["--write-off"], ["--adopt", "x"]])
def test_an_unknown_attempt_is_named(shell, provider, words):
    shell("db", "upgrade")
    assert shell("in-doubt", "resolve", "4711", *words) == ExitCode.USAGE
    assert "There is no attempt 4711" in shell.said


def test_a_task_that_the_provider_does_not_know_is_refused(shell, provider, doubted):
    assert shell("in-doubt", "resolve", str(doubted[0]["attempt"]), "--adopt", "nosuch") == ExitCode.USAGE
    assert "does not know" in shell.said
    assert shell("in-doubt", "list") == ExitCode.OPERATOR


def test_several_attempts_are_decided_in_one_call_each_with_its_own_money(shell, provider, doubted):
    ids = [str(line["attempt"]) for line in doubted]
    assert shell("in-doubt", "resolve", *ids, ids[0], "--write-off") == ExitCode.DONE
    assert "2 attempts decided." in shell.said
    assert shell("budget", "audit") == ExitCode.DONE
    shell("status", "--json")
    (run,) = shell.document["runs"]
    assert (run["spent_usd"], run["held_usd"], run["in_doubt"]) == ("0.084", "0.00", 0)


def test_what_cannot_be_decided_for_one_attempt_holds_up_no_other(shell, provider, doubted):
    first, second = (str(line["attempt"]) for line in doubted)
    assert shell("in-doubt", "resolve", first, "4711", second, "--absent", "--json") == ExitCode.USAGE
    told = {line["attempt"]: "resolved" in line for line in shell.lines}
    assert told == {int(first): True, 4711: False, int(second): True}
    assert shell("in-doubt", "resolve", first, second, "--absent") == ExitCode.USAGE
    assert "0 attempts decided; 2 left as they are." in shell.said


def test_one_task_is_adopted_for_one_attempt(shell):
    assert shell("in-doubt", "resolve", "1", "2", "--adopt", "x") == ExitCode.USAGE
    assert "for one attempt" in shell.said
