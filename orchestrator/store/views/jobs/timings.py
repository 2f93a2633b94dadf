"""How long the tasks of a run took at the provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts

SAMPLES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds; of how many tasks, and the first and last moment that anything happened."""

    tasks: int = 0
    median_ms: int = 0
    slow_ms: int = 0  # nine of ten were quicker
    slowest_ms: int = 0
    began_at: int | None = None
    ended_at: int | None = None


def timings(tx: Tx, run_id: int) -> Timings:
    """Of the tasks that brought pictures."""
    rows = tx.conn.execute(_TAKEN, {"run": run_id}).all()
    taken = sorted(row.inference_ms for row in rows if row.inference_ms is not None)
    began = [row.leased_at for row in rows]
    ended = [row.finished_at for row in rows if row.finished_at is not None]
    return Timings(
        tasks=len(taken),
        median_ms=_share(taken, 0.5),
        slow_ms=_share(taken, 0.9),
        slowest_ms=_share(taken, 1.0),
        began_at=min(began, default=None),
        ended_at=max(ended, default=None),
    )


def _share(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


_TAKEN: Final = (
    select(attempts.c.inference_ms, attempts.c.leased_at, attempts.c.finished_at)
    .where(attempts.c.run_id == bindparam("run"), attempts.c.state == "succeeded")
    .order_by(attempts.c.id)
    .limit(SAMPLES_MAX)
)
