"""Care after a lost reply: what is sent next must not be taken for what was lost.

Where the provider's list does not say what tasks were asked for, two requests that were lost at about the
same time cannot be told apart, and a person has to. So after a loss nothing is sent until the lost request
can have created nothing more, or its task is seen, for a few seconds at most; then one request at a time,
and more with each that is answered. See `core.caution` for the numbers, and the claim, which holds to them
for all workers of the account.
"""

from orchestrator.core.caution import CAREFUL_MS, Care
from orchestrator.worker.deps import Deps


class CareTaker:
    """Knows whether care is needed: the resolver tells it what it sees, the claim asks."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._until = float("-inf")  # monotonic
        self._inputs_shown = False
        self._explained: frozenset[int] = frozenset()

    def doubted(self) -> None:
        """A reply was lost, or a doubt of another worker is seen."""
        self._until = self._deps.clock.monotonic() + CAREFUL_MS / 1000

    def learned(self, *, inputs_shown: bool, explained: frozenset[int]) -> None:
        """What the provider's list shows around the doubts."""
        self._inputs_shown, self._explained = inputs_shown, explained

    def asked(self) -> Care | None:
        """What the next claim has to mind; None: nothing."""
        if self._inputs_shown or self._deps.clock.monotonic() >= self._until:
            return None
        window = self._deps.provider_clock.window(self._deps.clock.now_ms(), self._deps.moment())
        return Care(
            settle_ms=int(self._deps.settings.in_doubt.settle_seconds * 1000),
            width_ms=window.high - window.low,
            explained=self._explained,
        )
