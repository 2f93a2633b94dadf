"""What can still happen without an operator: it decides when a draining worker is done."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select

from orchestrator.core.budget import day_of
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can still happen to some runs without an operator."""

    live: int  # attempts under way, on any worker, and doubts that evidence may still end
    in_doubt: int  # doubts that wait for an operator
    movable: bool  # some pending job will run by itself, now or when its time comes

    @property
    def finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return not self.live and not self.movable


def outlook(tx: Tx, timezone: str, run_ids: Collection[int] | None = None) -> Outlook:
    """The outlook of the given runs (None: of all); `timezone` decides when a cap's day begins."""
    live, doubted = _attempt_counts(tx, run_ids)
    pending = pending_lanes(tx, day_of(tx.now, timezone), run_ids)
    return Outlook(live=live, in_doubt=doubted, movable=any(lane.movable for lane in pending))


def _attempt_counts(tx: Tx, run_ids: Collection[int] | None) -> tuple[int, int]:
    query = _counts_statement(run_ids is None)
    row = tx.conn.execute(query, {} if run_ids is None else {"runs": list(run_ids)}).one()
    return row.number - row.waiting, row.waiting


@cache
def _counts_statement(everywhere: bool) -> Select[Any]:
    waits = (attempts.c.state == AttemptState.IN_DOUBT.value) & (attempts.c.reason == AMBIGUOUS)
    query = (
        select(
            func.count().label("number"),
            func.coalesce(func.sum(case((waits, 1), else_=0)), 0).label("waiting"),
        )
        .select_from(attempts)
        .where(ATTEMPT_IS_LIVE)
    )
    return query if everywhere else query.where(attempts.c.run_id.in_(bindparam("runs", expanding=True)))
