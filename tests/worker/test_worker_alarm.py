"""A loop that is told to end ends, at whatever moment of its sleep it is told."""

import asyncio

import pytest
from support.times import FakeClock, run_virtual

from orchestrator.worker.alarms import Alarm
from orchestrator.worker.loops import run_loop


@pytest.mark.parametrize("turns", range(6))
def test_a_loop_that_is_cancelled_while_its_alarm_rings_ends(turns):
    clock = FakeClock()

    async def tick():
        return 10.0

    async def main():
        alarm = Alarm()
        loop = asyncio.create_task(run_loop(tick, alarm, clock))
        await asyncio.sleep(1)
        alarm.ring()
        for _ in range(turns):
            await asyncio.sleep(0)
        loop.cancel()
        await asyncio.wait({loop}, timeout=60)
        assert loop.cancelled()
        loop.cancel()

    run_virtual(clock, main())


def test_what_goes_wrong_in_a_sleep_is_raised():
    class BrokenClock(FakeClock):
        async def sleep(self, seconds):
            raise RuntimeError("no time")

    clock = BrokenClock()
    with pytest.raises(RuntimeError, match="no time"):
        run_virtual(clock, Alarm().sleep(clock, 1.0))


@pytest.mark.parametrize(("delay", "ticks"), [(0.0, 3), (0.05, 2)])
def test_a_loop_rests_between_its_ticks_unless_it_has_more_to_do_at_once(delay, ticks):
    clock = FakeClock()
    began = clock.monotonic()
    times = []

    async def tick():
        times.append(clock.monotonic() - began)
        return delay if len(times) < ticks else 10.0

    async def main():
        loop = asyncio.create_task(run_loop(tick, Alarm(0.05), clock))
        await asyncio.sleep(1)
        loop.cancel()
        await asyncio.wait({loop})

    run_virtual(clock, main())
    assert times == pytest.approx([delay * number for number in range(ticks)])
