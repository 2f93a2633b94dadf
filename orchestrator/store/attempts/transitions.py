"""Fenced writes: an attempt changes only while it is in the state and the epoch that its writer expects.

When no row matches, the writer is late. The row is read under the transaction's lock, and the WHERE of the
UPDATE repeats state and epoch, so that a check that is removed in one place still holds in the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

from sqlalchemy import Row, Select, Update, bindparam, exists, select, text, update

from orchestrator.core.states import ATTEMPT_TRANSITIONS, AttemptEvent, AttemptState, sources, step
from orchestrator.store.account import rate_limits, rate_window
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, jobs


class FencedRequest(Protocol):
    """A request to change an attempt, naming the attempt and the epoch under which the writer holds it."""

    @property
    def attempt_id(self) -> int:
        """The attempt."""
        ...

    @property
    def epoch(self) -> int:
        """A number that goes up by one whenever another worker takes the attempt over."""
        ...


@dataclass(frozen=True, slots=True)
class LockedAttempt:
    """An attempt and its job, as read under the transaction's lock."""

    id: int
    epoch: int
    state: AttemptState
    job_id: int
    run_id: int
    campaign_id: int
    lane_id: int
    day: str
    price_micros: int
    billed_micros: int | None  # the charge, where the bill has shown it already
    rate_granted_at: int
    tries_left: int
    cancel_requested: bool
    needs_another: bool  # its job takes the picture of another
    is_needed: bool  # another job may wait for the picture of its job

    @property
    def charge_micros(self) -> int:
        """What counts as spent until the bill is booked: what was held, or a dearer charge that was seen."""
        return max(self.price_micros, self.billed_micros or 0)

    def after(self, event: AttemptEvent) -> AttemptState:
        """The state that `event` leads to."""
        return step(ATTEMPT_TRANSITIONS, self.state, event)


def lock(tx: Tx, rows: Sequence[FencedRequest], event: AttemptEvent) -> dict[int, LockedAttempt]:
    """Those of the requested attempts that still belong to their writers and allow `event`, by id."""
    wanted = {row.attempt_id: row.epoch for row in rows}
    if not wanted:
        return {}
    query = dialect.lock_rows(tx.conn, _statement_for(event), attempts, jobs)
    rows_now = tx.conn.execute(query, {"ids": list(wanted)})
    return {row.id: _held(row) for row in rows_now if row.epoch == wanted[row.id]}


def move(tx: Tx, moves: Sequence[tuple[LockedAttempt, AttemptEvent, dict[str, Any]]]) -> None:
    """Apply `event` and the given columns to each attempt; all moves name the same columns."""
    if not moves:
        return
    columns = tuple(sorted(moves[0][2]))
    parameters = [
        {
            "f_id": attempt.id,
            "f_state": attempt.state.value,
            "f_epoch": attempt.epoch,
            "v_state": attempt.after(event).value,
            **{f"v_{column}": values[column] for column in columns},
        }
        for attempt, event, values in moves
    ]
    moved = dialect.run_many(tx.conn, _move_statement(columns), parameters)
    assert moved == len(moves), f"{moved} of {len(moves)} attempts moved under the lock"
    rate_limits.count_from_now(
        tx, [attempt.id for attempt, event, _ in moves if _answered_late(tx, attempt, event)]
    )


def _answered_late(tx: Tx, attempt: LockedAttempt, event: AttemptEvent) -> bool:
    """Whether a POST may have reached the provider long after its grant, because its outcome is recorded only
    now.
    """
    was_sent = attempt.state is AttemptState.SUBMITTING and event is not AttemptEvent.NOT_SENT
    return was_sent and tx.now - attempt.rate_granted_at > rate_window.ANSWERED_WITHIN_MS


@cache
def _statement_for(event: AttemptEvent) -> Select[Any]:
    """Attempts by id in the states from which `event` is legal; built once, because building costs more
    than running.
    """
    states = [state.value for state in sorted(sources(ATTEMPT_TRANSITIONS, event))]
    return _HELD.where(
        attempts.c.id.in_(bindparam("ids", expanding=True)), attempts.c.state.in_(states)
    ).order_by(attempts.c.id)


@cache
def _move_statement(columns: tuple[str, ...]) -> Update:
    """The fenced update of these columns."""
    return (
        update(attempts)
        .where(
            attempts.c.id == bindparam("f_id"),
            attempts.c.state == bindparam("f_state"),
            attempts.c.epoch == bindparam("f_epoch"),
        )
        .values({"state": bindparam("v_state"), **{column: bindparam(f"v_{column}") for column in columns}})
    )


def _held(row: Row[Any]) -> LockedAttempt:
    return LockedAttempt(
        id=row.id,
        epoch=row.epoch,
        state=AttemptState(row.state),
        job_id=row.job_id,
        run_id=row.run_id,
        campaign_id=row.campaign_id,
        lane_id=row.lane_id,
        day=row.day,
        price_micros=row.price_micros,
        billed_micros=row.billed_micros,
        rate_granted_at=row.rate_granted_at,
        tries_left=row.tries_left,
        cancel_requested=row.cancel_requested,
        needs_another=row.needs_job is not None,
        is_needed=bool(row.is_needed),
    )


_NEEDING: Final = jobs.alias("needing")
_HELD: Final = select(
    attempts.c.id,
    attempts.c.epoch,
    attempts.c.state,
    attempts.c.job_id,
    attempts.c.run_id,
    attempts.c.campaign_id,
    attempts.c.day,
    attempts.c.price_micros,
    attempts.c.billed_micros,
    attempts.c.rate_granted_at,
    jobs.c.lane_id,
    jobs.c.tries_left,
    jobs.c.cancel_requested,
    jobs.c.needs_job,
    (
        jobs.c.redo_of.is_not(None)
        | exists().where(_NEEDING.c.needs_job == jobs.c.id, text("needing.needs_job IS NOT NULL"))
    ).label("is_needed"),
).join_from(attempts, jobs)
