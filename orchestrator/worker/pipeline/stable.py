"""Stable names: each gets the newest good picture of its place, and the list of a manifest is written last.

What cannot be switched now stays as it is, whole, and is tried again. It never keeps the worker from
collecting.
"""

from functools import partial
from typing import Final

from orchestrator.core.backoff import backoff_seconds
from orchestrator.ports import StableDone
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import stable_names
from orchestrator.store.runs.stable_names import DirtyName
from orchestrator.store.runs.switching import switch_names
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

NAMES_SECONDS: Final = 20.0
"""How often it is looked whether names are to switch, besides after each download."""

NAMES_MAX: Final = 100

BUSY_MAX: Final = 10
"""So many looks in a row at which another process moves files of the folder: the end does not wait for it."""

WAIT_BASE_SECONDS: Final = 5.0
WAIT_CAP_SECONDS: Final = 300.0


class StableSwitches:
    """Gives stable names their pictures."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: dict[bytes, tuple[int, float]] = {}  # name -> tries, next one (monotonic)
        self._busy = 0

    async def tick(self) -> float:
        """Switch what is due."""
        now = self._deps.clock.monotonic()
        with self._deps.database.read() as tx:
            if not stable_names.any_dirty(tx):
                self._waiting.clear()
                return NAMES_SECONDS
        done = await switch_names(
            self._deps.database,
            self._deps.names,
            self._deps.mover,
            write=partial(write_durably, self._deps),
            most=NAMES_MAX,
            passed_over={key for key, (_tries, at) in self._waiting.items() if at > now},
        )
        for each in done:
            self._note(each.name, each.done)
        self._busy = 0 if done else self._busy + 1
        return 0.0 if len(done) >= NAMES_MAX else NAMES_SECONDS

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is to switch that this worker could switch now."""
        return self._busy >= BUSY_MAX or not stable_names.any_dirty(tx, self._waiting)

    def _note(self, name: DirtyName, done: StableDone) -> None:
        if not done.trouble:
            self._waiting.pop(name.key, None)
            return
        tries = self._waiting.get(name.key, (0, 0.0))[0] + 1
        wait = backoff_seconds(
            tries,
            base_seconds=WAIT_BASE_SECONDS,
            cap_seconds=WAIT_CAP_SECONDS,
            uniform=self._deps.entropy.uniform,
        )
        self._waiting[name.key] = tries, self._deps.clock.monotonic() + wait
        if tries == 1:
            self._deps.notify(f"{name.switch.path} does not switch now: {done.trouble}. It is tried again.")
