"""Reading the account's balance from time to time, so that a month's statement has something to begin and to
end with. It is bookkeeping: an answer that does not come is asked for again later.
"""

from collections.abc import Sequence
from typing import Final

from orchestrator.ports import Balance
from orchestrator.store.db.database import Tx
from orchestrator.store.money import balance_days
from orchestrator.worker.deps import Deps

READ_EVERY_MS: Final = 6 * 3600 * 1000
"""The bill tells what happened between a reading and midnight, so four a day are plenty."""

LOOK_SECONDS: Final = 3600.0


class BalanceReader:
    """Notes the balance when no worker has read it for some hours; the start of each worker reads it too."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._started = False

    async def tick(self) -> float:
        """Read it when it is due; returns the delay to the next look."""
        if not self._started:
            self._started = True  # it was read just now
            return LOOK_SECONDS
        with self._deps.database.read() as tx:
            last, now = balance_days.last_at(tx), tx.now
        if last is None or last <= now - READ_EVERY_MS:
            outcome = await self._deps.provider.balance()
            if isinstance(outcome, Balance):
                await self._deps.writer.submit(_note, outcome.micros)
        return LOOK_SECONDS


def _note(tx: Tx, rows: Sequence[int]) -> list[None]:
    balance_days.note_all(tx, rows)
    return [None for _ in rows]
