"""`serve` says what it lacks, and receives until it is told to stop."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest

from orchestrator.core.errors import ExitCode

SECRET = "whsec_do-not-show"
CONFIG = "webhook: {url: 'https://hooks.example.com/wavespeed', listen: '127.0.0.1:0'}\n"


def test_without_a_url_there_is_nothing_to_serve(shell):
    assert shell("serve") == ExitCode.USAGE
    assert "webhook.url is not set" in shell.said


@pytest.mark.parametrize("value", [None, "", "whsec_"])
def test_without_a_secret_nothing_is_served(shell, monkeypatch, value):
    (shell.folder / "config.yaml").write_text(CONFIG)
    monkeypatch.delenv("WAVESPEED_WEBHOOK_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("WAVESPEED_WEBHOOK_SECRET", value)
    assert shell("serve") == ExitCode.USAGE
    assert "WAVESPEED_WEBHOOK_SECRET" in shell.said


def test_an_address_that_is_taken_is_named(shell, monkeypatch, provider):
    taken = provider.url.removeprefix("http://")
    (shell.folder / "config.yaml").write_text(CONFIG.replace("127.0.0.1:0", taken))
    monkeypatch.setenv("WAVESPEED_WEBHOOK_SECRET", SECRET)
    assert shell("serve") == ExitCode.USAGE
    assert f"{taken} cannot be listened on" in shell.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_it_answers_until_a_signal_and_shows_no_secret_and_no_token(shell, number):
    (shell.folder / "config.yaml").write_text(CONFIG)
    env = {**os.environ, "WAVESPEED_WEBHOOK_SECRET": SECRET}
    command = [sys.executable, "-m", "orchestrator.cli.main", "serve", "--review", "--json"]
    with subprocess.Popen(
        command, cwd=shell.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        told = "".join(process.stdout.readline() for _ in range(5))
        url, review = json.loads(told)["url"], json.loads(told)["review"]
        assert httpx.get(review, trust_env=False).status_code == 200
        assert httpx.get(f"{url}/review", trust_env=False).status_code == 404
        assert httpx.get(f"{url}/health", trust_env=False).json() == {"status": "ok"}
        forged = httpx.post(f"{url}/wavespeed?token=a-token", content=b"{}", trust_env=False)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (forged.status_code, process.returncode) == (401, 0)
    assert SECRET not in told + out + err
    assert "a-token" not in out + err
    database = b"".join(path.read_bytes() for path in shell.folder.glob("orchestrator.db*"))
    assert b"webhook was not believed" in database
    assert SECRET.removeprefix("whsec_").encode() not in database
