"""How many pictures a run has: counted when one is stored, because a run may have a million."""

from typing import Final

from sqlalchemy import bindparam, update

from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.deferred_writes import Changes, LockOrder
from orchestrator.store.db.schema import runs


def add(tx: Tx, run_id: int, *, stored: int, flagged: int) -> None:
    """Note pictures that a run has more, and how many of them are flagged."""
    tx.deferred.add(LockOrder.RUNS, _add_to_runs, run_id, stored, flagged)


def _add_to_runs(tx: Tx, changes: Changes) -> None:
    dialect.run_many(
        tx.conn,
        _COUNT,
        [
            {"r_id": run_id, "d_stored": stored, "d_flagged": flagged}
            for run_id, (stored, flagged) in changes.items()
        ],
    )


_COUNT: Final = (
    update(runs)
    .where(runs.c.id == bindparam("r_id"))
    .values(
        pictures_stored=runs.c.pictures_stored + bindparam("d_stored"),
        pictures_flagged=runs.c.pictures_flagged + bindparam("d_flagged"),
    )
)
