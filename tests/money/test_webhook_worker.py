"""A whole worker asks for a webhook with every POST, and collects what the webhooks report."""

from lost_replies import WEBHOOK_URL, tell
from support.world import PRICE

from orchestrator.store.db.schema import attempts
from orchestrator.store.doubts import webhook_reports
from orchestrator.store.doubts.webhook_reports import Delivery, ReportOutcome


def test_every_post_carries_the_url_with_its_own_attempts_token(harness, sqlite_world, provider):
    sqlite_world.run(3)
    harness.change("webhook", url=WEBHOOK_URL)
    harness.drain()
    tokens = [row.token for row in sqlite_world.rows(attempts)]
    assert len(set(tokens)) == 3
    assert sorted(provider.webhooks) == sorted(f"{WEBHOOK_URL}?token={token}" for token in tokens)


def test_without_a_url_no_post_carries_one(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.drain()
    assert provider.webhooks == [None]


def test_a_whole_worker_collects_what_webhooks_report_and_asks_nobody(
    harness, sqlite_world, provider, agreed
):
    """Three replies lost at once, a list without inputs, tasks that run longer than the settle delay."""
    sqlite_world.run(4)
    harness.change("webhook", url=WEBHOOK_URL)
    provider.shows_inputs = False
    provider.loses = 3
    provider.latency = 200.0
    delivered = []

    def deliver(_stop):
        for task, url in zip(provider.tasks, provider.webhooks, strict=True):
            row = Delivery(url.rpartition("=")[2], task, "completed")
            delivered.append(sqlite_world.do(webhook_reports.record_report, row))

    harness.run_for(240.0, (205.0, deliver))
    assert sorted(delivered) == [ReportOutcome.EVIDENCE] * 3 + [ReportOutcome.KNOWN]
    assert sqlite_world.jobs() == {"succeeded": 4}
    assert len(provider.posts) == 4
    assert sqlite_world.account() == (4 * PRICE, 0, 0)
    agreed(sqlite_world)


def test_a_crash_while_sending_is_adopted_by_token_after_the_rescue(harness, sqlite_world, provider):
    sqlite_world.run(1)
    harness.change("webhook", url=WEBHOOK_URL)
    provider.shows_inputs = False
    (claimed,) = sqlite_world.claim(1, "dead")
    sqlite_world.send(claimed)
    task = provider.create(claimed.params).id
    tell(sqlite_world, claimed, task)
    sqlite_world.clock.advance(61.0)
    harness.run_for(60.0)
    assert (sqlite_world.jobs(), provider.posts) == ({"succeeded": 1}, [])
