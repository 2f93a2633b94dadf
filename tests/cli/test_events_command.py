"""`orchestrator events`: what happened and who decided what, read, filtered and followed."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from orchestrator.core.errors import ExitCode

CLI = [sys.executable, "-m", "orchestrator.cli.main"]


@pytest.fixture
def acted(shell):
    """A database in which a cap was set twice, a campaign paused, and two jobs cancelled."""
    shell("apply", shell.manifest())
    shell("budget", "set", "account", "--day", "50", "--why", "the client paid")
    shell("budget", "set", "account", "--day", "80")
    shell("campaigns", "pause", "sale", "--why", "a look first")
    shell("jobs", "cancel", "1", "2", "--why", "not these")
    return shell


def acts(shell, *words):
    assert shell("events", "--acts", "--json", *words) == ExitCode.DONE
    return [(line["kind"], line["old"], line["new"], line["why"]) for line in shell.lines]


def test_every_act_says_what_it_changed_and_why(acted):
    assert acts(acted) == [
        ("budget set", None, "$50.00", "the client paid"),
        ("budget set", "$50.00", "$80.00", None),
        ("campaigns pause", "running", "paused", "a look first"),
        ("jobs cancel", "waiting", "cancelled", "not these"),
        ("jobs cancel", "waiting", "cancelled", "not these"),
    ]
    assert {(line["who"] != "", line["host"] != "", line["type"]) for line in acted.lines} == {
        (True, True, "act")
    }


def test_the_filters_of_events_and_acts_are_the_same(acted):
    assert [line[0] for line in acts(acted, "--campaign", "sale")] == [
        "campaigns pause",
        *["jobs cancel"] * 2,
    ]
    assert [line[0] for line in acts(acted, "--run", "sale/hero/main")] == ["jobs cancel"] * 2
    assert len(acts(acted, "--job", "2")) == 1
    assert len(acts(acted, "--kind", "budget set", "--limit", "1")) == 1
    assert len(acts(acted, "--since", "1h")) == len(acts(acted, "--since", "2020-01-01")) == 5
    assert acts(acted, "--since", "2099-01-01T00:00:00Z") == []


def test_people_read_one_line_for_each_command(acted):
    assert acted("events") == ExitCode.DONE
    text = re.sub(r" by \S+ on \S+:", ":", acted.said)
    lines = [line.split("  ", 1)[1] for line in text.splitlines()]
    assert lines == [
        "budget set: day cap of the account: none became $50.00 (the client paid)",
        "budget set: day cap of the account: $50.00 became $80.00",
        "campaigns pause: campaign sale: running became paused (a look first)",
        "jobs cancel: jobs 1, 2: waiting became cancelled (not these)",
    ]


def test_the_timeline_of_a_job_says_who_cancelled_it_and_why(acted):
    acted("jobs", "show", "1")
    assert re.search(r"jobs cancel by \S+ on \S+: job 1: waiting became cancelled \(not these\)", acted.said)
    acted("jobs", "show", "1", "--json")
    assert [(act["new"], act["why"]) for act in acted.document["acts"]] == [("cancelled", "not these")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kind", "nonsense"], "no event of kind"),
        (["--campaign", "sael"], 'did you mean "sale"'),
        (["--run", "nowhere"], "no run"),
        (["--job", "99"], "no job 99"),
        (["--since", "yesterday"], "no moment"),
    ],
)
def test_a_selector_of_nothing_is_an_error_and_not_an_empty_answer(acted, words, told):
    assert acted("events", *words) == ExitCode.USAGE
    assert told in acted.said


def test_nothing_recorded_is_said(shell):
    shell("db", "upgrade")
    assert shell("events") == ExitCode.DONE
    assert "Nothing that matches is recorded." in shell.said


def test_what_is_recorded_meanwhile_is_followed_until_an_interrupt(shell):
    shell("db", "upgrade")
    shell("pause", "--why", "before")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*CLI, "events", "--follow", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert json.loads(process.stdout.readline())["why"] == "before"
        shell("resume", "--why", "meanwhile")
        assert json.loads(process.stdout.readline())["why"] == "meanwhile"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert ('"act"' in out, "Traceback" in err, process.returncode) == (False, False, ExitCode.INTERRUPTED)
