"""Tasks that do not end, and pictures that cannot be had, as a person meets them."""

import pytest

from orchestrator.cli.rendering.ending_words import ending_words
from orchestrator.core.errors import ExitCode
from orchestrator.sandbox import parse_faults
from orchestrator.worker.stop import StopLevel

CONFIG = """\
limits: {level: gold}
guards: {overdue_seconds: 1}
worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}
retry: {backoff_base_seconds: 0.1}
"""


@pytest.fixture
def overdue(shell, provider):
    """A task that the provider refuses to show: `run` leaves it to the operator and finishes the rest."""
    (shell.folder / "config.yaml").write_text(CONFIG)
    provider.use_faults(parse_faults(["result.refused_400=1"]))
    assert shell("run", shell.manifest(), "--yes") == ExitCode.OPERATOR
    return provider


def test_5_a_run_whose_tasks_do_not_end_says_whom_to_ask(shell, overdue):
    assert "3 tasks are far older than this model's: ask the provider" in shell.said
    assert "orchestrator in-doubt list" in shell.said
    assert shell("status", "--json") == ExitCode.DONE
    (stop,) = shell.document["stopped"]
    assert (stop["reason"], "HTTP 400" in stop["message"], stop["next_try_at"]) == ("overdue", True, None)
    assert shell("jobs", "list", "--json") == ExitCode.DONE
    assert [(line["state"], line["reason"]) for line in shell.lines] == [("running", "overdue")] * 3
    assert "HTTP 400" in shell.lines[0]["trouble"]
    assert shell("jobs", "show", "1") == ExitCode.DONE
    assert "far older than this model's: ask the provider" in shell.said
    assert "The last answer: HTTP 400" in shell.said


def test_overdue_tasks_are_listed_and_can_be_given_up_or_collected(shell, overdue):
    assert shell("in-doubt", "list", "--json") == ExitCode.OPERATOR
    assert [(line["state"], line["held_usd"]) for line in shell.lines] == [("overdue", "0.028")] * 3
    first, *others = [str(line["attempt"]) for line in shell.lines]
    assert shell("in-doubt", "list") == ExitCode.OPERATOR
    assert f"orchestrator in-doubt resolve {first} --write-off" in shell.said
    assert shell("in-doubt", "resolve", first, "--absent") == ExitCode.USAGE
    assert "overdue, not in doubt" in shell.said
    assert shell("in-doubt", "resolve", first, "--write-off") == ExitCode.DONE
    overdue.use_faults(parse_faults([]))
    assert shell("work", "--drain") == ExitCode.DONE
    assert shell("in-doubt", "list") == ExitCode.DONE
    assert shell("jobs", "retry", "--state", "failed", "--reason", "written_off") == ExitCode.DONE
    assert shell("work", "--drain") == ExitCode.DONE
    assert (overdue.bill().post_count, len(others)) == (3, 2)
    assert shell("budget", "audit") == ExitCode.DONE
    assert shell("reconcile") == ExitCode.DONE


def test_what_keeps_finishing_tasks_is_told_at_the_first_interrupt():
    calm = {"in_flight": 4, "fetching": 2, "download_trouble": ""}
    told = ending_words(StopLevel.FINISHING, calm, 8.0)
    assert "4 in flight and 2 downloading, already paid, are still collected. Ctrl-C" in told
    failing = {**calm, "in_flight": 0, "download_trouble": "not a picture (text/html)"}
    told = ending_words(StopLevel.FINISHING, failing, 8.0)
    assert "0 in flight and 2 downloading" in told
    assert "not a picture (text/html)): they are tried for up to ten minutes more" in told


def test_a_supervisor_is_told_how_long_downloads_have():
    told = ending_words(StopLevel.HANDING_OVER, {"in_flight": 4, "fetching": 2}, 8.0)
    assert "finished within 8 s. 4 in flight and already paid stay safe" in told
