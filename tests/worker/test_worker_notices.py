"""A worker tells people what happens, and no trouble with that touches its work."""

from collections.abc import Mapping

import pytest
from support.world import PRICE

from orchestrator.core.notices import Notice, NoticeKind
from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.ports import Letter, NoticeWish
from orchestrator.store.db.schema import notices
from orchestrator.store.notices import outbox
from orchestrator.store.notices.outbox import NewNotice
from orchestrator.store.stops.expiring import NEAR_MS


class FakeNotifier:
    """Takes letters, or does not."""

    def __init__(self, **wishes: NoticeWish) -> None:
        self.wishes: Mapping[str, NoticeWish] = wishes
        self.told: list[tuple[str, str]] = []
        self.trouble: str | None = None
        self.closed = False

    async def deliver(self, target: str, letter: Letter) -> str | None:
        self.told.append((target, letter.title))
        return self.trouble

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def notifier(harness):
    made = FakeNotifier(ops=NoticeWish())
    harness.notifier = made
    return made


def titles(notifier) -> list[str]:
    return [title for _, title in notifier.told]


def test_a_run_that_ends_is_told_before_its_worker_leaves(harness, world, notifier):
    world.run(jobs=2)
    harness.drain()
    assert titles(notifier) == ["spring/hero/main has finished: 2 pictures, $0.056"]
    assert notifier.closed


def test_a_receiver_that_refuses_everything_costs_no_picture_and_hears_it_from_the_next_worker(
    harness, world, notifier
):
    world.run(jobs=2)
    notifier.trouble = "HTTP 503"
    harness.drain()
    assert world.jobs() == {"succeeded": 2}
    assert world.account() == (2 * PRICE, 0, 0)
    notifier.trouble, notifier.told[:] = None, []
    world.clock.advance(60)
    harness.run_for(30)
    assert titles(notifier) == ["spring/hero/main has finished: 2 pictures, $0.056"]
    assert [row.delivered_at is None for row in world.rows(notices)] == [False]


def test_a_target_is_told_of_its_campaigns_and_kinds_alone(harness, world):
    harness.notifier = notifier = FakeNotifier(
        spring=NoticeWish(campaigns=frozenset({"spring"})),
        autumn=NoticeWish(campaigns=frozenset({"autumn"})),
        caps=NoticeWish(kinds=frozenset({"cap_threshold"})),
    )
    world.run(jobs=1)
    harness.drain()
    assert {target for target, _ in notifier.told} == {"spring"}


def test_a_receiver_that_hangs_delays_the_end_of_a_worker_by_seconds_and_no_other_receiver(harness, world):
    harness.notifier = notifier = FakeNotifier(hangs=NoticeWish(), ops=NoticeWish())

    async def hang(target: str, letter: Letter) -> str | None:
        if target == "hangs":
            await harness.clock.sleep(10)
            return "no answer"
        notifier.told.append((target, letter.title))
        return None

    notifier.deliver = hang
    for name in ("one", "two", "three", "four", "five"):
        world.run(jobs=1, name=name)
    harness.drain()
    assert len(notifier.told) == 5
    assert harness.clock.monotonic() < 60


def test_what_heaps_up_for_a_receiver_that_refuses_is_in_no_others_way(harness, world):
    harness.notifier = notifier = FakeNotifier(ops=NoticeWish(), refuses=NoticeWish())

    async def answer(target: str, letter: Letter) -> str | None:
        if target == "refuses":
            return "503"
        notifier.told.append((target, letter.title))
        return None

    notifier.deliver = answer
    for number in range(40):
        old = Notice(subject=f"old {number}", kind=NoticeKind.ATTENTION, title="old", text="")
        world.do(outbox.put, NewNotice(old, ("refuses",)))
    world.run(jobs=1)
    harness.drain()
    assert [target for target, _ in notifier.told] == ["ops"]


def test_without_anybody_to_tell_nothing_is_written(harness, world):
    world.run(jobs=1)
    harness.drain()
    assert world.rows(notices) == []


def test_what_the_provider_soon_deletes_is_downloaded_before_anything_is_bought(harness, world):
    world.run(jobs=9)
    held = world.lease()
    world.send(held)
    world.accept(held)
    world.complete(held)
    world.clock.advance((RETENTION_MS - NEAR_MS) / 1000 + 60)
    bought = []

    async def slowly() -> None:
        if not bought:
            bought.append(len(harness.provider.tasks))
            await harness.clock.sleep(60)
            bought.append(len(harness.provider.tasks))

    harness.artifacts.delay = slowly
    world.limit(concurrency=1)
    harness.drain()
    assert world.jobs() == {"succeeded": 9}
    assert bought[1] - bought[0] <= 1  # what was claimed before the worker knew of the download
