"""Jobs of later stages get the pictures that they take in the transaction in which those come, or are judged.
What two transactions at once have missed, or a database that was made again, is found here.
"""

from typing import Final

from orchestrator.store.db.database import Tx
from orchestrator.store.runs import needs
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

KEEP_SECONDS: Final = 60.0
"""How often all of them are looked at, a page at each look of upkeep."""


class StageKeeper:
    """Finds jobs that should have another picture than they have."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._after = 0
        self._not_before = 0.0  # monotonic

    def look(self, tx: Tx) -> list[int]:
        """Those of the next page; none while it is too early."""
        if not self._after and self._deps.clock.monotonic() < self._not_before:
            return []
        found, after = needs.missed(tx, self._after)
        self._after = after or 0
        if after is None:
            self._not_before = self._deps.clock.monotonic() + KEEP_SECONDS
        return found

    async def mend(self, job_ids: list[int]) -> None:
        """Give them what they take now."""
        if job_ids:
            await write_durably(self._deps, needs.settle_missed, job_ids)

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is missed; where something is, the next look does not wait."""
        after: int | None = 0
        while after is not None:
            found, after = needs.missed(tx, after)
            if found:
                self._after, self._not_before = 0, 0.0
                return False
        return True
