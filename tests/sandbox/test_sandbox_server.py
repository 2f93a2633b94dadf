"""Serving: loopback only, control over HTTP, the command, and switches."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from sandbox_api import EDIT, KEY, NO_TLS, StillClock

from orchestrator.core.errors import StorageError, UsageError
from orchestrator.sandbox import Level, Overload, Sandbox, SandboxConfig, SandboxThread, serve
from orchestrator.sandbox.config import with_changes


def control(api, body):
    return api.http.post("/sandbox/control", json=body)


def test_the_bill_over_http_is_the_bill(start):
    api = start("task.failed@1", refund_delay=10.0)
    api.task()
    api.thread.advance(20)
    shown = api.http.get("/sandbox/bill").json()
    bill = api.bill()
    assert shown["charged_micros"] == shown["refunded_micros"] == 28_000
    assert shown["tasks"][0]["id"] == bill.tasks[0].id
    assert shown == json.loads(json.dumps(bill.as_json()))


def test_switches_faults_time_and_credit_are_controlled_over_http(start):
    api = start(balance_micros=0)
    assert api.submit().status_code == 400
    assert control(api, {"top_up_usd": "1.50", "set": {"latency_median": 50}}).json()["ok"] is True
    task_id = api.task()
    assert api.result(task_id)["status"] == "created"
    control(api, {"advance_seconds": 60, "faults": ["submit.error_500@1"], "restart_count": True})
    assert api.result(task_id)["status"] == "completed"
    assert api.submit().status_code == 500
    control(api, {"faults": []})
    assert api.submit().status_code == 200
    assert api.bill().starting_micros == 1_500_000


def test_every_answer_is_dated_by_the_sandboxs_own_clock(start):
    api = start()

    def dated():
        return parsedate_to_datetime(api.http.get("/api/v3/balance").headers["Date"])

    before = dated()
    control(api, {"advance_seconds": 86_400})
    assert timedelta(hours=23) < dated() - before < timedelta(hours=25)


@pytest.mark.parametrize(
    "body",
    [
        {"set": {"colour": 1}},
        {"set": {"seed": 2}},
        {"set": {"level": "platinum"}},
        {"set": {"fast": 1}},
        {"set": {"latency_median": "x"}},
        {"set": {"api_keys": "x"}},
        {"faults": ["nothing"]},
        {"faults": "submit.drop_after=1"},
        {"advance_seconds": -1},
        {"top_up_usd": "-5"},
        {"top_up_usd": "0.0000001"},
        {"top_up_usd": "nan"},
        {"top_up_usd": "inf"},
        {"top_up_usd": True},
        {"top_up_usd": "much"},
        {"restart": True},
        [],
    ],
)
def test_a_control_that_does_not_fit_changes_nothing(start, body):
    api = start()
    before = api.thread.sandbox.world.config
    if isinstance(body, dict):
        body = {"set": {"list_lag": 9}, **body}
    assert control(api, body).status_code == 400
    assert api.thread.sandbox.world.config == before


def test_every_switch_can_be_set_or_is_refused_by_name():
    config = SandboxConfig()
    fixed = {"seed", "webhook_secret", "balance_micros", "ledger", "faults", "picture_cache_bytes"}
    for each in fields(SandboxConfig):
        value = getattr(config, each.name)
        if each.name in fixed:
            with pytest.raises(UsageError, match=each.name):
                with_changes(config, {each.name: value})
        else:
            assert with_changes(config, {each.name: value}) == config


def test_words_stand_for_their_switches_and_wrong_ones_are_explained():
    assert SandboxConfig(level="gold", overload="refuse") == SandboxConfig(
        level=Level.GOLD, overload=Overload.REFUSE
    )
    with pytest.raises(UsageError, match="platinum.*bronze, silver, gold, ultra"):
        SandboxConfig(level="platinum")


def test_only_loopback_is_served():
    async def attempt(host):
        async with serve(Sandbox(SandboxConfig(), StillClock()), host=host) as url:
            return url

    for host in ("0.0.0.0", "::", "192.168.1.5", "example.com"):
        with pytest.raises(UsageError, match="loopback"):
            asyncio.run(attempt(host))
    assert asyncio.run(attempt("127.0.0.1")).startswith("http://127.0.0.1:")


def test_a_taken_port_is_explained():
    with SandboxThread() as first:
        second = SandboxThread(port=int(first.url.rpartition(":")[2]))
        with pytest.raises(UsageError, match="choose another port"):
            second.__enter__()


def test_a_ledger_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="ledger"):
        SandboxThread(SandboxConfig(ledger=tmp_path / "file" / "ledger"))


def test_the_bill_can_be_read_after_the_end():
    with SandboxThread(SandboxConfig(latency_median=0), clock=StillClock()) as thread:
        body = {"prompt": "x", "images": ["https://example.com/x"]}
        httpx.post(f"{thread.url}/api/v3/{EDIT}", json=body, headers=KEY, trust_env=False, verify=NO_TLS)
    assert (thread.bill().post_count, thread.bill().charged_micros) == (1, 28_000)
    assert repr(thread.sandbox) == "<Sandbox tasks=1 posts=1 charges=1>"


def test_ids_differ_from_one_start_to_the_next_and_faults_do_not(start):
    first, second = start(), start()
    second.thread.sandbox.world.clock.at_ms += 1
    assert first.thread.sandbox.world.faults.faults == second.thread.sandbox.world.faults.faults
    late = StillClock()
    late.at_ms += 1
    worlds = [Sandbox(SandboxConfig(), clock).world for clock in (StillClock(), StillClock(), late)]
    tokens = [world.token() for world in worlds]
    assert (tokens[0] == tokens[1], tokens[0] == tokens[2]) == (True, False)


PROGRAM = """
import sys
from pathlib import Path
from orchestrator.sandbox import SandboxConfig, run_blocking
config = SandboxConfig(ledger=Path(sys.argv[1]))
run_blocking(config, "127.0.0.1", 0, lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_command_ends_cleanly_on_a_signal_and_leaves_its_ledger(tmp_path, number):
    ledger = tmp_path / "ledger.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ledger)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        url = process.stdout.readline().strip()
        body = {"prompt": "x", "images": ["https://example.com/x"]}
        reply = httpx.post(f"{url}/api/v3/{EDIT}", json=body, headers=KEY, trust_env=False, verify=NO_TLS)
        lines = [json.loads(line) for line in ledger.read_text().splitlines()]
        process.send_signal(number)
        rest = process.stdout.read()
    assert reply.status_code == 200
    assert [line["event"] for line in lines] == ["task", "charge", "post"]
    assert lines[0]["id"] == reply.json()["data"]["id"] == lines[2]["task_id"]
    assert (rest, process.returncode) == ("ended\n", 0)
