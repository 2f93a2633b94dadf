"""A closed terminal, and whatever else ends a process, ends the work in order: nothing that was sent is
left in doubt."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from orchestrator.core.errors import ExitCode
from orchestrator.sandbox import parse_faults

CLI = [sys.executable, "-m", "orchestrator.cli.main"]
ON_TERMINAL = ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1']
"""Whoever begins a session and opens a terminal gets it as its own: the system sends SIGHUP when that is
closed."""

LIMITS = """\
limits: {level: gold, concurrency: 2}
worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}
download: {separate_process: true}
"""
JOBS, AT_ONCE = 3, 2


@pytest.fixture
def slow(shell, provider):
    """Requests stay on the wire for a while, two at a time, and one job waits behind them."""
    (shell.folder / "config.yaml").write_text(LIMITS)
    provider.change(slow_seconds=0.7)
    provider.use_faults(parse_faults(["submit.slow=1"]))
    return provider


def wait_for_requests(provider, number=AT_ONCE):
    deadline = time.monotonic() + 60
    while provider.bill().post_count < number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert provider.bill().post_count >= number


def assert_ended_in_order(shell, provider, code):
    """Nothing is in doubt, what was sent is stored or handed over, and the same command makes the rest."""
    assert code == ExitCode.INTERRUPTED
    shell("status", "--json")
    (run,) = shell.document["runs"]
    assert run["in_doubt"] == 0
    assert run["jobs"]["succeeded"] + run["jobs"]["running"] == AT_ONCE
    assert run["jobs"]["pending"] == JOBS - AT_ONCE
    provider.use_faults(parse_faults([]))
    assert shell("run", "hero.yaml", "--yes", "--json") == ExitCode.DONE
    assert len(provider.bill().tasks) == JOBS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_that_ends_processes_stops_new_submissions_and_hands_over_the_rest(shell, slow, number):
    command = [*CLI, "run", shell.manifest(), "--yes", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_requests(slow)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert "Stopping: nothing new is submitted" in err
    assert_ended_in_order(shell, slow, process.returncode)


def test_a_worker_that_a_supervisor_ends_is_done_with_0_while_its_tasks_are_in_flight(shell, provider):
    provider.change(latency_median=60.0)
    shell("apply", shell.manifest())
    with subprocess.Popen(
        [*CLI, "work"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for_requests(provider, JOBS)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == ExitCode.DONE
    assert "other workers, or the next run, collect them" in err
    shell("status", "--json")
    (run,) = shell.document["runs"]
    assert (run["jobs"]["running"], run["in_doubt"]) == (JOBS, 0)
    shell("workers", "list", "--json")
    assert [worker["state"] for worker in shell.lines] == ["stopped"]


@pytest.mark.parametrize("environment", [{"TERM": "xterm"}, {"TERM": "dumb", "PYTHONUNBUFFERED": "1"}])
def test_a_closed_terminal_ends_the_work_in_order_and_its_exit_code_is_that_of_the_work(
    shell, slow, environment
):
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*ON_TERMINAL, os.ttyname(slave), *CLI, "run", shell.manifest(), "--yes"],
        start_new_session=True,
        env={**os.environ, "CI": "", **environment},
    )
    wait_for_requests(slow)
    os.close(slave)
    os.close(master)
    assert_ended_in_order(shell, slow, process.wait(60))


def test_a_reader_that_dies_with_the_terminal_does_not_change_how_the_work_ends(shell, slow):
    reading, writing = os.pipe()
    command = [*CLI, "run", shell.manifest(), "--yes"]
    process = subprocess.Popen(command, stdout=writing, stderr=writing)
    os.close(writing)
    wait_for_requests(slow)
    os.close(reading)
    process.send_signal(signal.SIGHUP)
    assert_ended_in_order(shell, slow, process.wait(60))


def test_under_nohup_a_closed_terminal_changes_nothing(shell, slow):
    command = ["nohup", *CLI, "run", shell.manifest(), "--yes", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for_requests(slow)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == ExitCode.DONE
    assert len(slow.bill().tasks) == JOBS
