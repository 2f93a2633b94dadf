"""The outbox: each target is told once of each subject, whoever finds it, and until it is told."""

import pytest
from sqlalchemy import update
from support.world import PRICE

from orchestrator.core.notices import WAITS_SECONDS, Notice, NoticeKind
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause
from orchestrator.store.db.schema import Scope, events, jobs, schedules, ticks
from orchestrator.store.notices import findings, outbox
from orchestrator.store.notices.findings import NewsSeen
from orchestrator.store.notices.outbox import NewNotice, Take, Told
from orchestrator.store.stops.expiring import NEAR_MS

NEWS = Notice(subject="run 1", kind=NoticeKind.RUN_FINISHED, title="It has finished", text="")
BOTH = NewNotice(NEWS, ("ops", "team"))


def take(world, worker="w1", *targets):
    return world.do(outbox.take, Take(worker, frozenset(targets or ("ops", "team"))))


def test_each_target_is_told_once_of_each_subject(world):
    assert [world.do(outbox.put, BOTH) for _ in range(2)] == [2, 0]
    assert [(each.target, each.document["title"]) for each in take(world)] == [
        ("ops", "It has finished"),
        ("team", "It has finished"),
    ]


def test_what_a_worker_delivers_no_other_one_delivers_until_its_lease_ends(world):
    world.do(outbox.put, BOTH)
    assert len(take(world, "w1", "ops")) == 1
    assert [each.target for each in take(world, "w2")] == ["team"]
    assert take(world, "w3") == []
    world.clock.advance(outbox.LEASE_MS / 1000)
    assert {each.target for each in take(world, "w3")} == {"ops", "team"}


def test_a_worker_takes_only_what_is_for_targets_of_its_own_configuration(world):
    world.do(outbox.put, BOTH)
    assert [each.target for each in take(world, "w1", "team", "nobody")] == ["team"]


def test_a_failed_delivery_is_tried_again_later_and_later_and_then_given_up_with_an_event(world):
    world.do(outbox.put, NewNotice(NEWS, ("ops",)))
    for wait in WAITS_SECONDS:
        (taken,) = take(world)
        world.do(outbox.told, Told(taken.id, taken.tries, "HTTP 503"))
        world.clock.advance(wait - 1)
        assert take(world) == []
        world.clock.advance(1)
    (taken,) = take(world)
    world.do(outbox.told, Told(taken.id, taken.tries, "HTTP 503"))
    assert world.events("notice_given_up") == ["target ops was not told: It has finished (HTTP 503)"]
    world.clock.advance(7 * 86_400)
    assert take(world) == []
    with world.database.write() as tx:
        assert [row.state for row in outbox.newest(tx, 5)] == ["given_up"]
        assert outbox.again(tx, "ops") == 1
    assert [each.tries for each in take(world)] == [0]


def test_what_was_delivered_is_not_delivered_again(world):
    world.do(outbox.put, NewNotice(NEWS, ("ops",)))
    (taken,) = take(world)
    world.do(outbox.told, Told(taken.id, taken.tries, None))
    world.clock.advance(86_400)
    assert take(world) == []
    with world.database.write() as tx:
        assert outbox.again(tx, None) == 0
        assert [row.state for row in outbox.newest(tx, 5)] == ["delivered"]


def succeed(world, held) -> None:
    world.send(held)
    world.accept(held)
    world.complete(held)
    world.finish(held)


class Reader:
    """One process that looks for news."""

    def __init__(self, world) -> None:
        self.world = world
        self.seen = NewsSeen()
        with world.database.write() as tx:
            self.began = findings.begin(tx)

    def news(self, kind: NoticeKind | None = None) -> list[Notice]:
        with self.world.database.read() as tx:
            found = list(findings.find(tx, self.seen, began=self.began, timezone="UTC"))
        return [each for each in found if kind in {None, each.kind}]


@pytest.fixture
def reader(world):
    return Reader(world)


def test_telling_begins_when_somebody_first_looks_whoever_looks_later(world, reader):
    world.clock.advance(60)
    assert Reader(world).began == reader.began


def test_a_run_is_finished_when_nothing_of_it_is_left_to_do_and_its_numbers_are_told(world, reader):
    world.run(jobs=2)
    assert reader.news(NoticeKind.RUN_FINISHED) == []
    succeed(world, world.lease())
    assert reader.news(NoticeKind.RUN_FINISHED) == []
    world.until(AttemptState.FAILED)
    (told,) = reader.news(NoticeKind.RUN_FINISHED)
    assert told.title.startswith("spring/hero/main has finished: 1 pictures, $0.028")
    assert told.data["jobs"] == {"succeeded": 1, "failed": 1}
    assert (told.campaign, told.run) == ("spring", "spring/hero/main")


def test_a_night_that_only_reuses_says_what_it_has_and_what_that_saved(world, reader):
    world.run(jobs=2)
    for held in world.claim():
        succeed(world, held)
    reader.news()
    night = world.run(jobs=2, run_key="n2")
    with world.database.write() as tx:
        values = {"state": "reused", "queue": None, "reused_from": 1, "finished_at": tx.now}
        tx.conn.execute(update(jobs).where(jobs.c.run_id == night.id).values(**values))
    reader.news()  # sees it as new
    told = reader.news(NoticeKind.RUN_FINISHED)[-1]
    assert told.title == "spring/hero/n2 has finished: 0 new pictures, 2 reused, $0.00"
    assert "$0.056 avoided" in told.text
    assert (told.data["jobs"], told.data["avoided_usd"]) == ({"reused": 2}, "0.056")


def test_a_run_that_begins_and_ends_between_two_looks_is_told_at_the_next_and_once(world, reader):
    assert reader.news(NoticeKind.RUN_FINISHED) == []
    world.clock.advance(5)
    world.run(jobs=1)
    succeed(world, world.lease())
    found = []
    for _ in range(9):
        found += reader.news(NoticeKind.RUN_FINISHED)
        world.clock.advance(10)
    assert len({each.subject for each in found}) == 1


def test_two_processes_find_the_same_subjects(world, reader):
    world.run(jobs=1)
    other = Reader(world)
    assert other.news() == reader.news() == []
    succeed(world, world.lease())
    assert {each.subject for each in reader.news()} == {each.subject for each in other.news()} != set()


def test_a_process_that_begins_later_finds_what_was_finished_while_nobody_looked(world, reader):
    world.run(jobs=1)
    succeed(world, world.lease())
    found = reader.news(NoticeKind.RUN_FINISHED)
    assert [each.subject for each in Reader(world).news(NoticeKind.RUN_FINISHED)] == [
        each.subject for each in found
    ]


def test_a_threshold_of_a_cap_is_told_to_those_of_its_campaign(world, reader):
    run = world.run(jobs=2)
    world.cap(2 * PRICE, Scope.RUN, run.id)
    world.lease()
    (told,) = reader.news(NoticeKind.CAP_THRESHOLD)
    assert "50 %" in told.title
    assert told.campaign == "spring"


def test_what_a_cap_stops_is_told_once_for_each_cap_and_period(world, reader):
    run = world.run(jobs=2)
    world.cap(PRICE, Scope.RUN, run.id)
    succeed(world, world.lease())
    subjects = set()
    for _ in range(3):
        world.clock.advance(3600)
        subjects |= {each.subject for each in reader.news() if each.data.get("reason") == "budget"}
    assert len(subjects) == 1


def test_a_pause_is_told_and_another_one_later_is_told_again(world, reader):
    world.run(jobs=1)
    subjects = []
    for _ in range(2):
        with world.database.write() as tx:
            pauses.begin(tx, Pause(scope="account", name="", reason="no_credit", message="Top up."))
        subjects += [each.subject for each in reader.news(NoticeKind.ATTENTION)]
        subjects += [each.subject for each in reader.news(NoticeKind.ATTENTION)]
        with world.database.write() as tx:
            pauses.end(tx=tx, scope="account", name="", reason="no_credit")
        world.clock.advance(60)
    assert len(subjects) == 4
    assert len(set(subjects)) == 2


def test_a_tick_that_waits_is_an_approval_and_one_that_was_missed_is_news_of_its_schedule(world, reader):
    with world.database.write() as tx:
        row = {"name": "spring/hero", "manifest_path": "m.yaml", "cron": "0 2 * * *", "timezone": "UTC"}
        tx.conn.execute(
            schedules.insert().values(id=1, settings={}, revision=1, since=0, created_at=0, **row)
        )
        for number, word in enumerate(("waiting_approval", "missed", "done")):
            values = {
                "key": str(number),
                "revision": 1,
                "kind": "scheduled",
                "due_at": 0,
                "at": 0,
                "local": "2026-11-28T02:30",
            }
            tx.conn.execute(ticks.insert().values(schedule_id=1, created_at=tx.now, **values, state=word))
    assert [(each.kind, each.campaign) for each in reader.news()] == [
        (NoticeKind.APPROVAL_WAITING, "spring"),
        (NoticeKind.SCHEDULE, "spring"),
    ]


def test_paid_results_are_told_of_before_the_provider_deletes_them(world, reader):
    world.run(jobs=1)
    held = world.lease()
    world.send(held)
    world.accept(held)
    world.clock.advance((RETENTION_MS - NEAR_MS) / 1000 - 60)
    assert reader.news(NoticeKind.RESULTS_EXPIRING) == []
    world.clock.advance(120)
    (told,) = reader.news(NoticeKind.RESULTS_EXPIRING)
    assert "1 paid task is not stored" in told.title
    assert "47 h 59 min left" in told.title


def test_what_was_recorded_before_telling_began_is_no_news(world):
    with world.database.write() as tx:
        tx.conn.execute(events.insert().values(at=tx.now, kind="cap_passed", message="long ago"))
    world.clock.advance(1)
    assert Reader(world).news() == []
