"""What can still happen without an operator: it decides when a draining worker is done."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, case, exists, func, select

from orchestrator.core.budget import day_of
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.attempts.overdue import OVERDUE
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, jobs


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can still happen to some runs without an operator."""

    live: int  # attempts under way, on any worker, and doubts that evidence may still end; none overdue
    in_doubt: int  # doubts that wait for an operator
    movable: bool  # some pending job will run by itself, now or when its time comes

    @property
    def finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return not self.live and not self.movable


def outlook(
    tx: Tx, timezone: str, run_ids: Collection[int] | None = None, *, only_round: int | None = None
) -> Outlook:
    """The outlook of the given runs (None: of all), or of one round of theirs; `timezone` decides when a
    cap's day begins.
    """
    live, doubted = _attempt_counts(tx, run_ids, only_round)
    pending = pending_lanes(tx, day_of(tx.now, timezone), run_ids, only_round=only_round)
    return Outlook(live=live, in_doubt=doubted, movable=any(lane.movable for lane in pending))


def _attempt_counts(tx: Tx, run_ids: Collection[int] | None, only_round: int | None) -> tuple[int, int]:
    query = _counts_statement(run_ids is None, only_round is None)
    values: dict[str, Any] = {} if run_ids is None else {"runs": list(run_ids)}
    values |= {} if only_round is None else {"round": only_round}
    row = tx.conn.execute(query, {"now": tx.now, **values}).one()
    return row.number - row.waiting - row.overdue, row.waiting


@cache
def _counts_statement(everywhere: bool, any_round: bool) -> Select[Any]:
    waits = (attempts.c.state == AttemptState.IN_DOUBT.value) & (attempts.c.reason == AMBIGUOUS)
    query = (
        select(
            func.count().label("number"),
            func.coalesce(func.sum(case((waits, 1), else_=0)), 0).label("waiting"),
            func.coalesce(func.sum(case((_SET_ASIDE, 1), else_=0)), 0).label("overdue"),
        )
        .select_from(attempts)
        .where(ATTEMPT_IS_LIVE)
    )
    if not any_round:
        query = query.where(exists().where(_ITS_ROUND).correlate(attempts))
    return query if everywhere else query.where(attempts.c.run_id.in_(bindparam("runs", expanding=True)))


_ITS_ROUND: Final = (jobs.c.id == attempts.c.job_id) & (jobs.c.round == bindparam("round"))
_SET_ASIDE: Final = OVERDUE & (attempts.c.lease_expires_at > bindparam("now"))
"""Overdue, and polled by a worker: one without a worker is looked at once more before anybody stops."""
