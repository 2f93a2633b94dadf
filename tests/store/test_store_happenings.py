"""Events and acts are read together, each once, in the order of time."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.signed import SIGNED

import orchestrator.store
from orchestrator.actions.operator import pausing
from orchestrator.actions.operator.change_jobs import cancel_jobs, retry_jobs
from orchestrator.core.errors import NotFoundError
from orchestrator.store.account import pauses, workers
from orchestrator.store.db.schema import events
from orchestrator.store.views.happened.event_kinds import EVENT_KINDS
from orchestrator.store.views.happened.happening_names import (
    named_campaign,
    named_job,
    named_kinds,
    named_runs,
)
from orchestrator.store.views.happened.happenings import Follower, HappeningFilter, happenings, newest
from orchestrator.store.views.jobs.walk import JobFilter

ALL = HappeningFilter()


def throttled(world, message="wait"):
    world.clock.advance(1)
    with world.database.write() as tx:
        pauses.begin(tx, pauses.Pause(scope="account", name="", reason="throttled", message=message))
        pauses.end(tx=tx, scope="account", name="", reason="throttled")


def pause(world):
    world.clock.advance(1)
    with world.database.write() as tx:
        pausing.pause_account(tx, SIGNED)


def kinds(items):
    return [item.kind for item in items]


def read(world, wanted=ALL):
    return list(happenings(world.database.read, wanted))


def test_an_act_stands_for_the_events_of_its_decision_and_for_no_others(world):
    world.run(2)
    throttled(world)
    pause(world)
    throttled(world)
    world.clock.advance(1)
    cancel_jobs(world.database, JobFilter(ids=(1,)), SIGNED)
    assert kinds(read(world)) == ["paused", "resumed", "a test", "paused", "resumed", "a test"]
    assert kinds(read(world, HappeningFilter(kinds=("paused",)))) == ["paused"] * 3


def test_they_come_in_the_order_of_time_over_many_pages(world, monkeypatch):
    monkeypatch.setattr("orchestrator.store.views.happened.happenings.PAGE", 3)
    for _ in range(5):
        throttled(world)
        pause(world)
    found = read(world)
    assert kinds(found) == ["paused", "resumed", "a test"] * 5
    assert [item.at for item in found] == sorted(item.at for item in found)
    assert newest(world.database.read, ALL, 4) == found[-4:]


def test_each_filter_leaves_what_it_names(world):
    run, other = world.run(1), world.run(1, campaign="autumn", name="leaf")
    with world.database.write() as tx:
        pauses.begin(tx, pauses.Pause(scope="run", name=str(run.id), reason="failure_rate", message="look"))
        pausing.pause_campaign(tx, "autumn", SIGNED)
        workers.register(tx, workers.WorkerRow("w1", "host", 1))
    world.clock.advance(10)
    later = world.clock.now_ms()
    retry = JobFilter(ids=(2,))
    cancel_jobs(world.database, retry, SIGNED)
    with world.database.read() as tx:
        autumn, spring = named_campaign(tx, "autumn"), named_campaign(tx, "spring")
        leaf, hero = named_runs(tx, "leaf"), named_runs(tx, "spring/hero/main")
    assert (leaf, hero) == ((other.id,), (run.id,))
    for wanted, messages in (
        (HappeningFilter(campaign_ids=spring), ["run spring/hero/main: failure_rate: look"]),
        (HappeningFilter(run_ids=hero), ["run spring/hero/main: failure_rate: look"]),
        (
            HappeningFilter(campaign_ids=autumn),
            ["campaign autumn: running became paused", "job 2: waiting became cancelled"],
        ),
        (HappeningFilter(run_ids=leaf), ["job 2: waiting became cancelled"]),
        (HappeningFilter(job_id=2), ["job 2: waiting became cancelled"]),
        (HappeningFilter(since=later), ["job 2: waiting became cancelled"]),
        (HappeningFilter(kinds=("worker_started",)), ["worker w1 began (version unknown)"]),
    ):
        assert [item.message for item in read(world, wanted)] == messages
        assert [item.message for item in newest(world.database.read, wanted, 9)] == messages
    assert {item.act is not None for item in read(world, HappeningFilter(acts_only=True))} == {True}
    assert read(world, HappeningFilter(job_id=2))[0].run == "main"


@pytest.mark.parametrize(
    ("name", "wrong", "hint"),
    [
        (named_kinds, ["pased"], 'did you mean "paused"'),
        (named_campaign, "sprig", 'did you mean "spring"'),
        (named_runs, "spring/hero/mein", 'did you mean "spring/hero/main"'),
        (named_job, 99, "no job 99"),
    ],
)
def test_a_name_of_nothing_is_an_error(world, name, wrong, hint):
    world.run(1)
    with world.database.read() as tx, pytest.raises(NotFoundError, match=hint):
        name(tx, wrong)


def test_a_kind_that_was_recorded_may_be_named_whatever_this_program_knows(world):
    pause(world)
    with world.database.read() as tx:
        assert named_kinds(tx, ["a test", "worker_lost"]) == ("a test", "worker_lost")


def test_a_follower_tells_each_once_also_what_commits_late(world, monkeypatch):
    monkeypatch.setattr("orchestrator.store.views.happened.happenings.REREAD", 5)
    throttled(world)
    following = Follower(world.database.read, ALL)
    assert following.news() == []
    pause(world)
    for number in range(10):
        throttled(world, f"wait {number}")
    shown = list(following.seen(newest(world.database.read, ALL, 2)))
    assert len(shown) == 2
    first = following.news()
    assert len(first) == 19
    assert following.news() == []
    with world.database.write() as tx:
        tx.conn.execute(events.delete().where(events.c.id == 20))
    throttled(world)
    assert kinds(following.news()) == ["paused", "resumed"]
    with world.database.write() as tx:
        late = {"id": 20, "at": tx.now, "kind": "worker_lost", "message": "it committed late"}
        tx.conn.execute(events.insert().values(**late))
    assert kinds(following.news()) == []  # it was seen before it was deleted: an id is told once


def test_what_has_committed_late_is_news(world):
    throttled(world)
    first = min(row.id for row in world.rows(events))
    with world.database.write() as tx:
        tx.conn.execute(events.delete().where(events.c.id == first))
    following = Follower(world.database.read, ALL)
    with world.database.write() as tx:
        late = {"id": first, "at": tx.now, "kind": "worker_lost", "message": "it committed late"}
        tx.conn.execute(events.insert().values(**late))
    assert [item.message for item in following.news()] == ["it committed late"]


def test_a_retried_job_tells_who_and_why_in_its_history(world):
    from orchestrator.store.views.jobs.detail import job_detail

    world.run(1)
    cancel_jobs(world.database, JobFilter(ids=(1,)), SIGNED)
    world.clock.advance(1)
    retry_jobs(world.database, JobFilter(ids=(1,)), replace(SIGNED, who="bob", why=None))
    with world.database.read() as tx:
        detail = job_detail(tx, 1, "UTC")
    assert [(item.act.who, item.act.old, item.act.why) for item in detail.history] == [
        ("ada", "waiting", SIGNED.why),
        ("bob", "cancelled", None),
    ]
    assert [item.kind for item in detail.events] == ["cancelled", "retried"]


def test_every_kind_that_is_recorded_is_known_with_what_it_says():
    found = set()
    for path in Path(orchestrator.store.__path__[0]).rglob("*.py"):
        text = path.read_text()
        if "events.insert()" in text:
            found |= set(re.findall(r'kind=\s*"(\w+)"|"kind":\s*"(\w+)"|_note\(\s*tx,\s*"(\w+)"', text))
    written = {word for words in found for word in words if word}
    assert written, "no kind was found"
    assert written <= EVENT_KINDS.keys()
