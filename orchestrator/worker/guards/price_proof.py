"""Few requests go ahead at a price that the bill has not shown yet: a price that turns out to be another is
noticed before much was bought at it.

How much that can cost: `FIRST` requests of each worker, model and price, until the bill shows the first of
them, which took a second where it was measured. A bill that shows nothing for long holds nobody up: the
number doubles every `STEP_SECONDS`. A bill that the key may not read proves nothing, and all may go.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from orchestrator.ports import Clock
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.money import price_lessons
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably

FIRST: Final = 3
STEP_SECONDS: Final = 10.0
PROVEN_MS: Final = 86_400_000
"""A price that the bill has shown within a day needs no new proof."""

WATCHED_SECONDS: Final = 60.0
"""For how long the bill is looked at every second for a price that it does not show."""

_WAIT_SECONDS: Final = 0.25
_STEPS_MAX: Final = 20

Price = tuple[str, int]
"""A model, and what is held for one of its tasks, in micros."""


class _Bell:
    """What many wait for at once, each for a moment at most: they share one sleep."""

    def __init__(self) -> None:
        self._sleep: asyncio.Future[None] | None = None

    async def wait(self, clock: Clock) -> None:
        """Until it rings, or a moment has passed."""
        if self._sleep is None or self._sleep.done():
            self._sleep = asyncio.ensure_future(clock.sleep(_WAIT_SECONDS))
        sleep = self._sleep
        await asyncio.wait({sleep})
        if not sleep.cancelled():
            sleep.result()

    def ring(self) -> None:
        """End the wait of all."""
        if self._sleep is not None:
            self._sleep.cancel()


@dataclass(slots=True)
class _Trial:
    """Requests that were let go at one price, and what the bill has said."""

    began: float  # monotonic
    sent: int = 0
    proven: bool = False
    refuted: bool = False
    bell: _Bell = field(default_factory=_Bell)  # rung when more may go, or none

    def has_room(self, now: float) -> bool:
        steps = min(_STEPS_MAX, int((now - self.began) / STEP_SECONDS))
        return self.proven or self.sent < FIRST * 2**steps


class PriceProof:
    """What this worker knows of each price, and how many requests it has let go at it."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._trials: dict[Price, _Trial] = {}
        self._readable = True

    @property
    def unproven(self) -> list[Price]:
        """The prices at which requests may go ahead and that the bill has not shown."""
        return [price for price, trial in self._trials.items() if not trial.proven]

    @property
    def is_young(self) -> bool:
        """Whether some price is to be looked for often."""
        now = self._deps.clock.monotonic()
        return any(
            not trial.proven and now - trial.began < WATCHED_SECONDS for trial in self._trials.values()
        )

    def is_unproven(self, price: Price) -> bool:
        """Whether requests have gone ahead at this price and the bill has not shown it."""
        trial = self._trials.get(price)
        return trial is not None and not trial.proven

    async def may_send(self, attempt: HeldAttempt, stopping: Callable[[], bool]) -> bool:
        """Wait for the attempt's turn. False when the bill has shown another price meanwhile."""
        trial = await self._trial((attempt.model, attempt.price_micros))
        while not (trial.refuted or trial.has_room(self._deps.clock.monotonic()) or stopping()):
            await trial.bell.wait(self._deps.clock)
        trial.sent += 1
        return not trial.refuted

    def came_to_nothing(self, attempt: HeldAttempt) -> None:
        """What was let go created no task: another may go in its place."""
        trial = self._trials.get((attempt.model, attempt.price_micros))
        if trial is not None:
            trial.sent = max(0, trial.sent - 1)
            trial.bell.ring()

    def shown(self, price: Price, *, dearer: bool) -> None:
        """The bill has shown a charge at this price. When it was dearer, the price begins anew after the
        pause.
        """
        trial = self._trials.get(price)
        if trial is None:
            return
        trial.proven, trial.refuted = not dearer, dearer
        trial.bell.ring()
        if dearer:
            del self._trials[price]

    def unreadable(self) -> None:
        """The bill may not be read with this key: nothing can be proven, and nobody waits."""
        self._readable = False
        for trial in self._trials.values():
            trial.proven = True
            trial.bell.ring()

    async def _trial(self, price: Price) -> _Trial:
        if price not in self._trials:
            model, micros = price
            since = self._deps.clock.now_ms() - PROVEN_MS
            percent = self._deps.settings.guards.price_drift_percent
            proven = not self._readable or await read_durably(
                self._deps,
                lambda tx: bool(price_lessons.standing(tx, model, micros, since=since, percent=percent)),
            )
            trial = _Trial(self._deps.clock.monotonic(), proven=proven)
            self._trials.setdefault(price, trial)
        return self._trials[price]
