"""The main job against a provider at its worst: every accepted picture is stored, and the two bills are
equal."""

import asyncio
import hashlib
import json
import os
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import App, open_app
from orchestrator.sandbox import Bill, SandboxConfig, SandboxThread, parse_faults
from orchestrator.store.money.audit import audit
from orchestrator.worker.stop import Stop

JOBS = int(os.environ.get("BATCH_JOBS", "80"))

CONFIG = """
limits: {{level: ultra}}
provider: {{base_url: "{url}", submit_timeout_seconds: 5, read_timeout_seconds: 5}}
worker: {{poll_min_seconds: 0.05, poll_max_seconds: 0.5}}
retry: {{backoff_base_seconds: 0.05, backoff_cap_seconds: 0.2, max_attempts: 6}}
in_doubt: {{settle_seconds: 0.5}}
guards: {{failure_rate: null}}
download: {{separate_process: {separate}}}
"""

MANIFEST = """
version: 1
name: batch
model: kwaivgi/kling-image-o3/edit
matrix:
  n: {{range: [1, {jobs}]}}
params:
  prompt: "Picture {{{{ n }}}} on a table"
  images: [photo.png]
output: "{{{{ n }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (320, 320), "teal").save(tmp_path / "photo.png")
    (tmp_path / "batch.yaml").write_text(MANIFEST.format(jobs=JOBS))
    return tmp_path


def _sandbox(**changes: object) -> SandboxConfig:
    return SandboxConfig(
        latency_median=0.05,
        fast=True,
        level="unlimited",
        list_inputs=True,
        refund_delay=0.1,
        slow_seconds=0.3,
        endless_bytes_max=4 * 1024 * 1024,
        **changes,
    )


def _work(folder: Path, url: str, separate: str = "false") -> None:
    (folder / "config.yaml").write_text(CONFIG.format(url=url, separate=separate))
    with open_app(None, {"WAVESPEED_API_KEY": "sandbox-key"}, folder) as app:
        apply(app.database, load_manifests([folder / "batch.yaml"], app.settings, app.clock.now_ms()))
        asyncio.run(app.worker().run(Stop()))
        _check_books(app)


def _check_books(app: App) -> None:
    with app.database.read() as tx:
        assert audit(tx).differences == ()


def _rows(folder: Path, query: str) -> list[dict[str, object]]:
    with open_app(None, {}, folder) as app, app.database.read() as tx:
        return [dict(row) for row in tx.conn.execute(text(query)).mappings()]


def _judge(folder: Path, bill: Bill) -> None:
    """From outside: the provider's bill, the database and the files must tell one story."""
    attempts = _rows(folder, "SELECT * FROM attempts")
    outputs = _rows(folder, "SELECT * FROM outputs")
    held = {row["prediction_id"] for row in attempts if row["prediction_id"]}
    assert {task.id for task in bill.tasks} == held, "every accepted task is known, and nothing else"
    completed = {task.id: task for task in bill.tasks if task.status == "completed" and task.outputs}
    succeeded = [row for row in attempts if row["state"] == "succeeded"]
    assert {row["prediction_id"] for row in succeeded} == set(completed)
    per_job: dict[object, int] = {}
    for row in succeeded:
        per_job[row["job_id"]] = per_job.get(row["job_id"], 0) + 1
    assert all(count == 1 for count in per_job.values()), "no job was paid for twice"
    stored = [row for row in outputs if row["state"] == "stored"]
    for row in stored:
        data = (folder / "outputs" / str(row["stored_path"])).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
    (total,) = _rows(folder, "SELECT * FROM balances WHERE scope = 'account' AND period = 'total'")
    owed = sum(int(str(row["price_micros"])) for row in attempts if row["reservation"] == "refund_due")
    assert total["held_micros"] == 0
    assert total["refund_due_micros"] == owed
    assert total["spent_micros"] + owed == bill.charged_micros - _refunds_booked(folder)
    assert not list((folder / "outputs").rglob(".part-*")), "no stray temporary file is left"
    assert bill.authorization_leaks == ()


def _refunds_booked(folder: Path) -> int:
    (row,) = _rows(
        folder, "SELECT coalesce(sum(-refund_due_delta), 0) AS m FROM ledger WHERE kind = 'refund_seen'"
    )
    return int(str(row["m"]))


def test_a_batch_under_every_fault_stores_each_accepted_picture_and_both_bills_are_equal(
    folder: Path,
) -> None:
    with SandboxThread(_sandbox(faults=parse_faults(["common=0.05"]))) as sandbox:
        _work(folder, sandbox.url, separate="true")
        bill = sandbox.bill()
    assert bill.post_count > JOBS
    states = {
        row["state"]: row["n"] for row in _rows(folder, "SELECT state, count(*) n FROM jobs GROUP BY state")
    }
    assert sum(int(str(count)) for count in states.values()) == JOBS
    assert set(states) <= {"succeeded", "failed"}
    _judge(folder, bill)


def test_a_second_run_of_a_finished_manifest_sends_nothing_and_changes_no_file(folder: Path) -> None:
    (folder / "batch.yaml").write_text(MANIFEST.format(jobs=5))
    with SandboxThread(_sandbox()) as sandbox:
        _work(folder, sandbox.url)
        before = {path: path.stat().st_mtime_ns for path in (folder / "outputs").rglob("*") if path.is_file()}
        posts = sandbox.bill().post_count
        _work(folder, sandbox.url)
        assert sandbox.bill().post_count == posts == 5
    assert {
        path: path.stat().st_mtime_ns for path in (folder / "outputs").rglob("*") if path.is_file()
    } == before


def test_an_edited_manifest_pays_only_for_what_is_new(folder: Path) -> None:
    (folder / "batch.yaml").write_text(MANIFEST.format(jobs=3))
    with SandboxThread(_sandbox()) as sandbox:
        _work(folder, sandbox.url)
        (folder / "batch.yaml").write_text(MANIFEST.format(jobs=5))
        _work(folder, sandbox.url)
        assert sandbox.bill().post_count == 5


def test_a_sidecar_tells_how_each_picture_was_made(folder: Path) -> None:
    (folder / "batch.yaml").write_text(MANIFEST.format(jobs=1))
    with SandboxThread(_sandbox()) as sandbox:
        _work(folder, sandbox.url)
    (sidecar,) = (folder / "outputs").rglob("*.png.json")
    told = json.loads(sidecar.read_text())
    assert told["params"]["prompt"] == "Picture 1 on a table"
    assert told["model"] == "kwaivgi/kling-image-o3/edit"
    assert told["prediction_id"]
    assert told["sha256"]
