"""Workers of virtual nights: the real keeper of ticks and the real expander, in processes that die."""

import asyncio
from pathlib import Path
from typing import Any

from orchestrator.actions.planning.expand_tick import TickExpander
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.settings import Settings
from orchestrator.store.db.database import Database
from orchestrator.store.db.group_commit import InlineWriter
from orchestrator.worker.deps import Deps
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep.nights import TickKeeper
from tests.support.times import FakeClock, FakeEntropy

LOOKS_MAX = 20


class NightDiedError(BaseException):
    """The process ends here."""


class NightWorker:
    """One host: up or not, and a process on it that may die at a commit or between two steps."""

    def __init__(self, number: int, url: str, clock: FakeClock, *, settings: Settings, dice: Any) -> None:
        self.number = number
        self.up_at = 0  # ms; it is away until then
        self.deaths = 0
        self._dice = dice
        self._mortal = True
        self._database = Database.open(url, clock, self._crashpoint, clock_from_server=False)
        self._settings, self._clock = settings, clock
        self._keeper = self._born()

    def _born(self) -> TickKeeper:
        root = Path(self._settings.outputs.root)
        deps = Deps(
            database=self._database,
            writer=InlineWriter(self._database),
            provider=None,  # type: ignore[arg-type]
            artifacts=None,  # type: ignore[arg-type]
            clock=self._clock,
            entropy=FakeEntropy(),
            settings=self._settings,
            facts=None,  # type: ignore[arg-type]
            crashpoint=self._crashpoint,
            expander=TickExpander(
                self._database, self._settings, self._clock, shelf=lambda: FolderShelf(root)
            ),
        )
        return TickKeeper(deps, worker_id=f"w{self.number}-{self.deaths}", everything=True)

    def look(self, loop: asyncio.AbstractEventLoop, *, mortal: bool) -> bool:
        """Do what is to be done at this moment; False for a host that is away, or whose process has died."""
        if self._clock.now_ms() < self.up_at:
            return False
        self._mortal = mortal
        try:
            for _ in range(LOOKS_MAX):
                if loop.run_until_complete(self._keeper.tick(Stop())) > 0:
                    return True
        except NightDiedError:
            self.deaths += 1
            self._keeper = self._born()
            self.up_at = self._clock.now_ms() + self._dice.choice([1, 10, 200]) * 60_000
            return False
        raise AssertionError("invariant: a worker looks without end")

    def _crashpoint(self, name: str) -> None:
        if self._mortal and self._dice.random() < (0.2 if name.startswith("tick.") else 0.02):
            raise NightDiedError(name)

    def close(self) -> None:
        """Close its connections."""
        self._database.close()
