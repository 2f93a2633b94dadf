"""Conformance: the provider's official Python SDK runs against the sandbox unchanged."""

import httpx
import pytest
import wavespeed
from sandbox_api import EDIT, NO_TLS, png

from orchestrator.sandbox import Level, SandboxConfig, SandboxThread


@pytest.fixture(scope="module")
def sandbox():
    config = SandboxConfig(latency_median=0.2, latency_sigma=0.0, fast=True, level=Level.UNLIMITED)
    with SandboxThread(config) as thread:
        yield thread


@pytest.fixture
def client(sandbox):
    return wavespeed.Client(api_key="sandbox-key", base_url=sandbox.url)


def test_the_sdk_uploads_and_runs_to_a_picture(sandbox, client, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(png())
    url = client.upload(str(photo))
    assert httpx.get(url, trust_env=False, verify=NO_TLS).content == png()
    result = client.run(EDIT, {"prompt": "a hat", "images": [url], "num_images": 2}, poll_interval=0.3)
    assert len(result["outputs"]) == 2
    assert all(
        httpx.get(output, trust_env=False, verify=NO_TLS).status_code == 200 for output in result["outputs"]
    )
    assert sandbox.bill().authorization_leaks == ()


def test_the_sdk_reports_a_failed_task(client):
    inputs = {"prompt": "sandbox:moderated", "images": ["https://example.com/a.png"]}
    with pytest.raises(RuntimeError, match="Prediction failed.*potentially sensitive"):
        client.run(EDIT, inputs, poll_interval=0.3)


def test_the_sdk_runs_in_sync_mode(sandbox, client):
    model, inputs = "google/nano-banana/edit", {"prompt": "x", "images": ["https://example.com/a.png"]}
    done = client.run(model, inputs, enable_sync_mode=True)
    assert len(done["outputs"]) == 1
    sandbox.change(sync_timeout=0.01)
    late = client.run_no_throw(model, inputs, enable_sync_mode=True)
    assert (late["status"], late["outputs"]) == ("processing", None)
    assert late["task_id"] == sandbox.bill().tasks[-1].id
