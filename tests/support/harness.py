"""A whole worker on a fake clock, with a scripted provider, scripted files and a real SQLite database."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import DatabaseError
from orchestrator.core.provider_clock import ProviderClock
from orchestrator.ports import DatabaseMark, NoMark, NoNotifier, Notifier, no_crash
from orchestrator.settings import Limits, Outputs, Settings
from orchestrator.store.account import pauses
from orchestrator.store.db.group_commit import InlineWriter
from orchestrator.worker.deps import Deps, ModelFacts
from orchestrator.worker.stop import Stop, StopLevel
from orchestrator.worker.worker import Worker

from .artifacts import FakeArtifacts
from .provider import FakeProvider
from .times import HOUR, run_virtual
from .world import World


class FlakyWriter(InlineWriter):
    """An inline writer whose named operations fail a number of times first, before or after the commit."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.failures: dict[str, int] = {}
        self.lost_commits: dict[str, int] = {}
        self.calls: list[str] = []

    async def submit(self, operation: Any, row: Any) -> Any:
        name = operation.__name__
        self.calls.append(name)
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise DatabaseError("The database cannot be used just now.")
        result = await super().submit(operation, row)
        if self.lost_commits.get(name, 0) > 0:
            self.lost_commits[name] -= 1
            raise DatabaseError("The connection broke while committing.", transient=True, in_doubt=True)
        return result


class WorkerHarness:
    """Builds workers and runs them in virtual time."""

    def __init__(self, world: World, provider: FakeProvider, artifacts: FakeArtifacts) -> None:
        self.world = world
        self.clock = world.clock
        self.provider = provider
        self.artifacts = artifacts
        self.writer = FlakyWriter(world.database)
        self.notices: list[str] = []
        self.mark: DatabaseMark = NoMark()
        self.notifier: Notifier = NoNotifier()
        self.provider_clock = ProviderClock()
        self.crashpoint: Callable[[str], None] = no_crash
        self.expander: Callable[[Any], Any] | None = None
        self.ping: Callable[[str], bool] | None = None
        self.settings = Settings(
            database_url="unused",
            outputs=Outputs("unused"),
            limits=Limits("silver", concurrency=50, submits_per_minute=500, polls_per_second=50.0),
        )

    def change(self, section: str, **values: Any) -> None:
        """Change settings of one section."""
        self.settings = replace(
            self.settings, **{section: replace(getattr(self.settings, section), **values)}
        )

    def deps(self) -> Deps:
        return Deps(
            database=self.world.database,
            writer=self.writer,
            provider=self.provider,
            artifacts=self.artifacts,
            clock=self.clock,
            entropy=self.world.entropy,
            settings=self.settings,
            facts=lambda model: ModelFacts(10.0, lambda params: "image/png"),
            crashpoint=self.crashpoint,
            notify=self.notices.append,
            mark=self.mark,
            notifier=self.notifier,
            provider_clock=self.provider_clock,
            expander=self.expander,
            ping=self.ping,
        )

    def worker(self, *, drain: bool = True, run_ids: frozenset[int] | None = None) -> Worker:
        return Worker(self.deps(), drain=drain, run_ids=run_ids, is_alive=lambda pid: True)

    def drain(self, *, limit_seconds: float = 24 * HOUR, **options: Any) -> Worker:
        """Run a worker until nothing more happens by itself."""
        worker = self.worker(**options)
        run_virtual(self.clock, worker.run(Stop()), limit_seconds=limit_seconds)
        return worker

    def run_for(self, seconds: float, *script: tuple[float, Callable[[Stop], Any]]) -> Worker:
        """Run a worker that does not drain for so long, doing things at their times, then make it leave."""
        worker = self.worker(drain=False)
        stop = Stop()

        async def later(at: float, action: Callable[[Stop], Any]) -> None:
            await self.clock.sleep(at)
            action(stop)

        async def main() -> None:
            steps = [*script, (seconds, lambda stop: stop.raise_to(StopLevel.LEAVING))]
            tasks = [asyncio.ensure_future(later(at, action)) for at, action in steps]
            try:
                await worker.run(stop)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        self.run(main())
        return worker

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run anything in virtual time."""
        return run_virtual(self.clock, main)

    def pauses(self) -> set[str]:
        """Reasons of the pauses in force."""
        with self.world.database.read() as tx:
            return {pause.reason for pause in pauses.in_force(tx)}
