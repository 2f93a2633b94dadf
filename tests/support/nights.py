"""Schedules in few words, on any database."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.ticks import ScheduleWords
from orchestrator.store.db.schema import schedules as schedule_table
from orchestrator.store.db.schema import ticks as tick_table
from orchestrator.store.schedules import ending, expanding, firing, schedules
from orchestrator.store.schedules.expanding import TickOrder
from orchestrator.store.schedules.schedules import Schedule

from .world import World

NIGHTLY = "30 2 * * *"
HOUR = 3600.0


class Nights:
    """One worker's view of the schedules of a world; its clock is the world's."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add(self, name: str = "spring/hero", *, cron: str = NIGHTLY, timezone: str = "UTC", **words: Any):
        with self.world.database.write() as tx:
            return schedules.put(
                tx, name, ScheduleWords(cron, timezone, **words), manifest_path=f"/jobs/{name}.yaml"
            )

    def until(self, text: str) -> None:
        """Let the clock come to this moment, UTC."""
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        self.world.clock.advance(moment.timestamp() - self.world.clock.now_ms() / 1000)

    def fire(self) -> firing.Fired:
        with self.world.database.write() as tx:
            expanding.expire(tx)
            return firing.fire(tx)

    def take(self, worker: str = "w1", readable: Collection[int] | None = None) -> TickOrder | None:
        with self.world.database.write() as tx:
            due = expanding.manifests_due(tx)
            return expanding.take(tx, worker, due if readable is None else readable)

    def apply(self, order: TickOrder, jobs: int = 1) -> int:
        """The run of a tick, with so many jobs."""
        campaign, _, name = order.schedule.name.partition("/")
        run = self.world.run(jobs, campaign=campaign, name=name, run_key=order.tick.firing.date)
        with self.world.database.write() as tx:
            assert expanding.applied(tx, order, run.id)
        return run.id

    def night(self, jobs: int = 1) -> TickOrder:
        """Fire, take and apply one tick."""
        self.fire()
        order = self.take()
        assert order is not None
        self.apply(order, jobs)
        return order

    def settle(self) -> int:
        with self.world.database.read() as tx:
            found = ending.changes(tx, "UTC")
        with self.world.database.write() as tx:
            return ending.settle(tx, found)

    def succeed(self) -> None:
        """Everything that waits is made."""
        for held in self.world.claim():
            for act in (self.world.send, self.world.accept, self.world.complete, self.world.finish):
                act(held)

    def schedule(self, name: str = "spring/hero") -> Schedule:
        with self.world.database.read() as tx:
            return schedules.find(tx, name)

    def ticks(self) -> list[tuple[str, str, str | None]]:
        """Local time, state and reason of every tick, in the order of their moments."""
        rows = sorted(self.world.rows(tick_table), key=lambda row: (row.at, row.id))
        return [(row.local[5:], row.state, row.reason) for row in rows]

    def rows(self) -> list[Any]:
        return self.world.rows(schedule_table)
