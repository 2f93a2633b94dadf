"""The database's own mark: ahead of the database, it says that a backup was put back.

The mark is raised after each claim and before anything of it is sent. So a database that stands behind its
mark has forgotten attempts, and what they bought. Whoever makes a database marks it with 0:
however young, it is no restored copy.
"""

from orchestrator.ports import MarkState, state_of_mark
from orchestrator.store.attempts.attempt_ids import highest_attempt_id
from orchestrator.store.db import identity
from orchestrator.worker.deps import Deps


class OwnMark:
    """Compares the mark with the database, and raises it."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._database_id: str | None = None
        self._raised_to = 0

    def state(self) -> MarkState:
        """What the mark says now. It is read before the database: another worker may be claiming."""
        with self._deps.database.read() as tx:
            self._database_id = identity.database_id(tx)
        marked = None if self._database_id is None else self._deps.mark.highest(self._database_id)
        with self._deps.database.read() as tx:
            return state_of_mark(marked, highest_attempt_id(tx))

    def raise_to(self, attempt_id: int) -> None:
        """Record a claim, before anything of it is sent."""
        if self._database_id is None:
            with self._deps.database.read() as tx:
                self._database_id = identity.database_id(tx)
        if self._database_id is None or attempt_id <= self._raised_to:
            return
        self._raised_to = max(attempt_id, self._deps.mark.highest(self._database_id) or 0)
        self._deps.mark.write(self._database_id, self._raised_to)
