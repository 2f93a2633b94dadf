"""Tasks of a worker: the first error is kept, and decides how much is still collected."""

import pytest
from support.times import run_virtual

from orchestrator.core.errors import DatabaseError, OperatorNeededError
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.tasks import TaskGroup


async def fail(error):
    raise error


def outcome(clock, *errors, bookkeeping=None):
    """The level that these errors led to, the error that was kept, and whether the group was busy at each
    end."""
    stop, ends = Stop(), []

    async def main():
        tasks = TaskGroup(stop, ended=lambda: ends.append(tasks.busy))
        if bookkeeping is not None:
            tasks.fail(bookkeeping, bookkeeping=True)
        for error in errors:
            tasks.spawn(fail(error))
            await clock.sleep(1)
        assert not tasks.busy
        return tasks.error

    error = run_virtual(clock, main())
    return stop.level, error, ends


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (OperatorNeededError("the key"), StopLevel.FINISHING),
        (DatabaseError("it is away"), StopLevel.LEAVING),
        (ValueError("a bug"), StopLevel.LEAVING),
    ],
)
def test_what_can_be_collected_after_an_error_is_collected(clock, error, level):
    assert outcome(clock, error) == (level, error, [False])


def test_the_first_error_is_the_one_that_is_raised_at_the_end(clock):
    first = OperatorNeededError("first")
    assert outcome(clock, first, ValueError("second"))[:2] == (StopLevel.LEAVING, first)


def test_an_error_of_bookkeeping_keeps_nothing_from_being_collected(clock):
    error = ValueError("a bug in the upkeep")
    assert outcome(clock, bookkeeping=error)[:2] == (StopLevel.FINISHING, error)


def test_every_task_is_cancelled_and_waited_for(clock):
    ended = []

    async def endless():
        try:
            await clock.sleep(1e6)
        finally:
            ended.append(True)

    async def main():
        tasks = TaskGroup(Stop(), ended=lambda: None)
        tasks.spawn(endless())
        tasks.spawn(endless())
        await clock.sleep(1)
        await tasks.cancel()
        return tasks.error, tasks.busy

    assert run_virtual(clock, main()) == (None, False)
    assert ended == [True, True]
