"""Releases: attempts that were claimed but not sent are given back, and cost their jobs no try."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings, leases, lifecycle
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts


def release_unsent(tx: Tx) -> int:
    """Give back attempts that were never sent and whose leases have lapsed, so that their jobs wait again.

    Returns how many; when that is `leases.RESCUE_MAX`, there may be more: call again.
    """
    unsent = leases.lapsed(tx, _UNSENT)
    endings.give_back(tx, [_released(row.id, row.epoch, "nothing was sent") for row in unsent])
    return len(unsent)


def release_worker(tx: Tx, worker_id: str) -> int:
    """Release the attempts of a worker that stops in order: unsent ones are given back, accepted ones can be
    taken over at once. No job loses a try.
    """
    mine = tx.conn.execute(
        select(attempts.c.id, attempts.c.epoch, attempts.c.state).where(
            ATTEMPT_IS_LIVE, attempts.c.worker == worker_id
        )
    ).all()
    unsent = [row for row in mine if row.state == AttemptState.LEASED.value]
    unanswered = [row for row in mine if row.state == AttemptState.SUBMITTING.value]
    endings.give_back(tx, [_released(row.id, row.epoch, "its worker left") for row in unsent])
    lifecycle.mark_in_doubt(
        tx,
        [
            lifecycle.MarkInDoubt(row.id, row.epoch, "its worker left before the reply came")
            for row in unanswered
        ],
    )
    leases.expire_leases_of_workers(tx, [worker_id])
    return len(unsent)


def release_claims(tx: Tx, job_ids: Sequence[int], *, delay_ms: int) -> list[int]:
    """Give back what workers have claimed for these jobs and not begun to send; nobody claims them again for
    so long. Returns whose it was. A worker that is about to send is late at its own fence, and sends nothing.
    """
    rows = tx.conn.execute(_LEASED, {"ids": list(job_ids)}).all()
    released = [_released(row.id, row.epoch, "a person holds its job", delay_ms=delay_ms) for row in rows]
    given_back = endings.give_back(tx, released)
    return [row.job_id for row, done in zip(rows, given_back, strict=True) if done]


def _released(attempt_id: int, epoch: int, message: str, *, delay_ms: int = 0) -> endings.GiveBack:
    return endings.GiveBack(
        attempt_id=attempt_id,
        epoch=epoch,
        event=AttemptEvent.RELEASED,
        delay_ms=delay_ms,
        reason="released",
        message=message,
    )


_LEASED: Final = (
    select(attempts.c.id, attempts.c.epoch, attempts.c.job_id)
    .where(
        ATTEMPT_IS_LIVE,
        attempts.c.job_id.in_(bindparam("ids", expanding=True)),
        attempts.c.state == AttemptState.LEASED.value,
    )
    .order_by(attempts.c.id)
)
_UNSENT: Final = (
    select(attempts.c.id, attempts.c.epoch)
    .where(
        ATTEMPT_IS_LIVE,
        attempts.c.lease_expires_at <= bindparam("now"),
        attempts.c.state == AttemptState.LEASED.value,
    )
    .order_by(attempts.c.lease_expires_at)
    .limit(bindparam("most"))
)
