"""Jobs that are worked on by themselves while others of their runs wait: they get a round of their own, ahead
of all others, and a worker may be told to claim that round alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, func, select, update

from orchestrator.core.states import JobState
from orchestrator.store.db import bulk
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs.order import AHEAD


@dataclass(frozen=True, slots=True)
class Apart:
    """Jobs that were set apart from the others of their runs."""

    round: int  # below zero, above what a person put ahead (`order.AHEAD`), and of nobody else
    ids: Sequence[int] = field(default_factory=tuple)  # all that are asked for, whatever their state


def set_apart(tx: Tx, run_ids: Collection[int], ids: Sequence[int]) -> Apart:
    """Put the waiting ones of these jobs ahead of everything in their runs. Two that ask for the same job
    take turns: it belongs to the later one, and is made once.
    """
    lowest = tx.conn.execute(_LOWEST, {"runs": list(run_ids)}).scalar() or 0
    chosen = Apart(min(lowest, 0) - 1, tuple(ids))
    for chunk in bulk.chunks(list(ids)):
        tx.conn.execute(_MOVE, {"ids": chunk, "turn": chosen.round})
    return chosen


def states_of(tx: Tx, ids: Sequence[int]) -> dict[str, int]:
    """How many of these jobs are in each state; states without jobs are zero."""
    found = {state.value: 0 for state in JobState}
    for chunk in bulk.chunks(list(ids)):
        for row in tx.conn.execute(_STATES, {"ids": chunk}):
            found[row.state] += row.jobs
    return found


_LOWEST: Final = select(func.min(jobs.c.round)).where(
    jobs.c.run_id.in_(bindparam("runs", expanding=True)), jobs.c.round > AHEAD
)
_MOVE: Final = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.state == JobState.PENDING.value)
    .values(round=bindparam("turn"))
)
_STATES: Final = (
    select(jobs.c.state, func.count().label("jobs"))
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .group_by(jobs.c.state)
)
