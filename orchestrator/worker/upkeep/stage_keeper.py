"""Jobs of later stages get the pictures that they take in the transaction in which those come, or are judged.
What two transactions at once have missed, or a database that was made again, is found here.
"""

from typing import Final

from orchestrator.store.db.database import Tx
from orchestrator.store.runs import needs
from orchestrator.worker.alarms import Alarm
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably

KEEP_SECONDS: Final = 60.0


class StageKeeper:
    """Looks at all jobs that wait and take the picture of another, a page at a time."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.alarm = Alarm()

    async def tick(self) -> float:
        """Give, change or take back what is not as it should be."""
        after: int | None = 0
        while after is not None:
            with self._deps.database.read() as tx:
                found, after = needs.missed(tx, after)
            if found:
                await write_durably(self._deps, needs.settle_missed, found)
        return KEEP_SECONDS

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is missed; where something is, it is put right at once."""
        after: int | None = 0
        while after is not None:
            found, after = needs.missed(tx, after)
            if found:
                self.alarm.ring()
                return False
        return True
