"""Downloads take turns: so many at one time, the oldest task first."""

import asyncio

import pytest

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.store.stops.expiring import NEAR_MS
from orchestrator.worker.pipeline.download_turns import DownloadTurns


class Downloads:
    """Downloads that go on until they are told to end."""

    def __init__(self, at_one_time: int) -> None:
        self.turns = DownloadTurns(at_one_time)
        self.begun: list[int] = []
        self.ends: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def start(self, *accepted_at: int) -> None:
        for each in accepted_at:
            self.ends[each] = asyncio.Event()
            self.tasks[each] = asyncio.create_task(self._download(each))
            await self.settle()

    async def end(self, accepted_at: int) -> None:
        self.ends[accepted_at].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _download(self, accepted_at: int) -> None:
        async with self.turns.turn(accepted_at):
            self.begun.append(accepted_at)
            await self.ends[accepted_at].wait()


def test_the_oldest_of_those_that_wait_is_next():
    async def main():
        downloads = Downloads(1)
        await downloads.start(50, 40, 10, 30)
        for each in (50, 10, 30, 40):
            await downloads.end(each)
        return downloads.begun

    assert asyncio.run(main()) == [50, 10, 30, 40]


def test_as_many_go_on_at_one_time_as_are_allowed():
    async def main():
        downloads = Downloads(2)
        await downloads.start(1, 2, 3)
        begun = list(downloads.begun)
        for each in (1, 2, 3):
            await downloads.end(each)
        return begun

    assert asyncio.run(main()) == [1, 2]


@pytest.mark.parametrize("at", ["while it waits", "when its turn has come"])
def test_a_turn_of_somebody_who_was_cancelled_goes_to_the_next(at):
    async def main():
        downloads = Downloads(1)
        await downloads.start(1, 2, 3)
        if at == "while it waits":
            downloads.tasks[2].cancel()
            await downloads.settle()
            downloads.ends[1].set()
        else:
            downloads.ends[1].set()
            await asyncio.wait({downloads.tasks[1]})
            downloads.tasks[2].cancel()
        await downloads.settle()
        await downloads.end(3)
        await downloads.start(4)
        await downloads.end(4)
        return downloads.begun

    assert asyncio.run(main())[-2:] == [3, 4]


def test_it_presses_as_long_as_an_old_one_is_not_here():
    async def main():
        downloads = Downloads(1)
        now = RETENTION_MS
        old, young = NEAR_MS, NEAR_MS + 1
        await downloads.start(young)
        found = [downloads.turns.pressed(now)]
        await downloads.start(old)
        found.append(downloads.turns.pressed(now))
        await downloads.end(young)
        await downloads.end(old)
        return [*found, downloads.turns.pressed(now)]

    assert asyncio.run(main()) == [False, True, False]
