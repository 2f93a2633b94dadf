"""Moves: files get the names that were decided, so that the clean name of each cell is that of its choice.

What cannot be moved now, since the disk is full or the file is in another host's folder, stays where it is
and is tried again. It never keeps the worker from collecting.
"""

from functools import partial
from typing import Final

from orchestrator.core.backoff import backoff_seconds
from orchestrator.store.choosing import cells
from orchestrator.store.choosing.carrying_out import CarriedOut, carry_out
from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

MOVES_SECONDS: Final = 20.0
"""How often it is looked whether files are to move, besides after each download."""

CELLS_MAX: Final = 100
"""Cells whose moves are decided in one transaction."""

WAIT_BASE_SECONDS: Final = 5.0
WAIT_CAP_SECONDS: Final = 300.0

BUSY_MAX: Final = 10
"""So many looks in a row at which another process moves files of the folder: it may be frozen, and the end of
this worker does not wait for it.
"""


class Moves:
    """Gives stored pictures their names."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: dict[
            bytes, tuple[int, float]
        ] = {}  # cell -> tries, and when the next one is (monotonic)
        self._busy = 0

    async def tick(self) -> float:
        """Move what is due."""
        now = self._deps.clock.monotonic()
        with self._deps.database.read() as tx:
            moving = self._moving(tx)
        self._waiting = {key: entry for key, entry in self._waiting.items() if key in moving}
        due = [key for key in moving if self._waiting.get(key, (0, now))[1] <= now]
        if due:
            chunk = due[:CELLS_MAX]
            done = await carry_out(
                chunk,
                write=partial(write_durably, self._deps),
                mover=self._deps.mover,
                crashpoint=self._deps.crashpoint,
            )
            self._note(chunk, done)
        return 0.0 if len(due) > CELLS_MAX and not self._busy else MOVES_SECONDS

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is to move that this worker could move now."""
        return self._busy >= BUSY_MAX or self._moving(tx).keys() <= self._waiting.keys()

    def _moving(self, tx: Tx) -> dict[bytes, None]:
        return dict.fromkeys(cells.keys_of_moving(tx, CELLS_MAX + 1 + len(self._waiting)))

    def _note(self, chunk: list[bytes], done: CarriedOut) -> None:
        self._busy = self._busy + 1 if done.busy else 0
        if done.busy:
            return
        for key in chunk:
            if key not in done.left:
                self._waiting.pop(key, None)
                continue
            tries = self._waiting.get(key, (0, 0.0))[0] + 1
            wait = backoff_seconds(
                tries,
                base_seconds=WAIT_BASE_SECONDS,
                cap_seconds=WAIT_CAP_SECONDS,
                uniform=self._deps.entropy.uniform,
            )
            self._waiting[key] = tries, self._deps.clock.monotonic() + wait
            if tries == 1 and done.left[key]:
                self._deps.notify(
                    f"A picture does not get its name now: {done.left[key]}. It is tried again."
                )
