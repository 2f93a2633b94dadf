"""Lost replies, a list that shows no inputs, and webhooks: every doubt ends by itself, and ends right."""

import asyncio
from contextlib import contextmanager

import pytest
from PIL import Image
from sqlalchemy import select

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import open_app
from orchestrator.sandbox import SandboxConfig, SandboxThread, parse_faults
from orchestrator.store.db.schema import attempts, jobs
from orchestrator.store.doubts import webhook_reports
from orchestrator.store.money.audit import audit
from orchestrator.store.stops.outlook import outlook
from orchestrator.web import Receiver, make_site, serve
from orchestrator.worker.stop import Stop

JOBS = 30
SECRET = "whsec_end-to-end"
URL = "http://127.0.0.1:{port}/wavespeed"

CONFIG = """
limits: {{level: ultra}}
provider: {{base_url: "{provider}", submit_timeout_seconds: 5, read_timeout_seconds: 5}}
worker: {{poll_min_seconds: 0.05, poll_max_seconds: 0.5}}
retry: {{backoff_base_seconds: 0.05, backoff_cap_seconds: 0.2, max_attempts: 6}}
in_doubt: {{settle_seconds: 3}}
guards: {{failure_rate: null}}
webhook: {{url: "{webhook}", wait_seconds: 60}}
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
def folder(tmp_path):
    Image.new("RGB", (320, 320), "teal").save(tmp_path / "photo.png")
    (tmp_path / "batch.yaml").write_text(MANIFEST.format(jobs=JOBS))
    return tmp_path


@contextmanager
def sandbox(*faults):
    config = SandboxConfig(
        latency_median=0.3,
        fast=True,
        level="unlimited",
        list_inputs=False,
        webhook_secret=SECRET,
        webhook_retry=0.1,
        webhook_late=1.0,
        faults=parse_faults(faults),
    )
    with SandboxThread(config) as started:
        yield started


async def well():
    return True


def work(folder, provider_url, then=lambda app: None):
    """A worker and a receiver on one database until the worker has nothing left to do; what `then` finds."""

    async def main(app, settings_of):
        receiver = Receiver(app.writer(), app.clock, [SECRET])
        site = make_site(receiver, URL.format(port=1), well)
        async with serve(site, "127.0.0.1", 0) as base:
            settings_of(URL.format(port=base.rpartition(":")[2]))
            with open_app(None, {"WAVESPEED_API_KEY": "sandbox-key"}, folder) as worker:
                apply(
                    worker.database,
                    load_manifests([folder / "batch.yaml"], worker.settings, worker.clock.now_ms()),
                )
                await asyncio.wait_for(worker.worker().run(Stop()), 60)
            await asyncio.sleep(0)

    def configure(webhook):
        (folder / "config.yaml").write_text(CONFIG.format(provider=provider_url, webhook=webhook))

    configure(URL.format(port=1))
    with open_app(None, {}, folder) as app:
        asyncio.run(main(app, configure))
        return then(app)


def story(app):
    """What the database says in the end."""
    with app.database.read() as tx:
        assert audit(tx).differences == ()
        states = sorted(tx.conn.execute(select(jobs.c.state)).scalars())
        held = {
            row.prediction_id: row.token for row in tx.conn.execute(select(attempts)) if row.prediction_id
        }
        return states, held, outlook(tx, "UTC").in_doubt


def test_every_lost_reply_finds_its_own_task_by_its_webhook(folder):
    with sandbox("submit.drop_after%2", "webhook.duplicate@3-8") as provider:
        states, held, in_doubt = work(folder, provider.url, story)
        bill = provider.bill()
    assert (states, in_doubt) == (["succeeded"] * JOBS, 0)
    assert bill.post_count == len(bill.tasks) == JOBS
    assert bill.faults["submit.drop_after"] == JOBS // 2
    told = {delivery.task_id: delivery.url.rpartition("=")[2] for delivery in bill.webhooks}
    assert told.items() <= held.items(), "each attempt holds the very task that was made for its token"
    assert {post.task_id for post in bill.posts if post.reply == "submit.drop_after"} <= told.keys()


def test_late_tampered_and_repeated_webhooks_end_the_same(folder):
    faults = ["submit.drop_after@1-6", "webhook.late@1-2", "webhook.tampered@3-4", "webhook.duplicate@5-6"]
    with sandbox(*faults) as provider:

        def told(app):
            with app.database.read() as tx:
                kinds = tx.conn.exec_driver_sql("SELECT kind FROM events").scalars().all()
            return story(app), kinds.count(webhook_reports.REFUSED), kinds.count(webhook_reports.SECOND_TASK)

        (states, held, in_doubt), refused, second = work(folder, provider.url, told)
        bill = provider.bill()
    assert (states, in_doubt) == (["succeeded"] * JOBS, 0)
    assert len(bill.tasks) == len(held) == JOBS
    assert (refused, second) == (1, 0)
    assert sum(delivery.answer == 401 for delivery in bill.webhooks) == 2
