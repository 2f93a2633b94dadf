"""Leases: extended by their holder, ended early, and rescued when they lapse.

A rescue resumes, it never submits again.

| Found | Becomes |
|---|---|
| leased | abandoned: nothing was sent, the job is ready again, unless too many workers died over it |
| submitting | in doubt: the POST may have left |
| in_flight, fetching | taken over: the prediction id is known, so polling or storing goes on |
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, select, update

from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings, lifecycle
from orchestrator.store.attempts.held import HeldAttempt, held_by
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, events, jobs

RESCUE_MAX: Final = 500

NOBODY: Final = "nobody"
"""Holds what a worker has handed back."""

COLLECTED: Final = "collected on"
_FATES: Final = {
    AttemptState.LEASED.value: "waiting again, nothing was sent",
    AttemptState.SUBMITTING.value: "in doubt",
}


@dataclass(frozen=True, slots=True)
class Rescue:
    """Handle lapsed leases on behalf of a worker."""

    worker: str
    lease_ms: int
    deaths_max: int = 5  # a job over which this many workers died is set aside


@dataclass(frozen=True, slots=True)
class Rescued:
    """What one rescue did."""

    taken_over: tuple[HeldAttempt, ...]
    released: int
    doubted: int


def rescue(tx: Tx, rows: Sequence[Rescue]) -> list[Rescued]:
    """Handle lapsed leases, oldest first, up to a bound; the next call takes more."""
    return [_rescue_one(tx, row) for row in rows]


@dataclass(frozen=True, slots=True)
class ExtendLeases:
    """Extend the leases of a worker's attempts."""

    worker: str
    lease_ms: int


def extend_leases(tx: Tx, rows: Sequence[ExtendLeases]) -> list[frozenset[int]]:
    """Extend every live lease of the worker; returns which attempts it holds."""
    answers: list[frozenset[int]] = []
    for row in rows:
        tx.conn.execute(_EXTEND, {"holder": row.worker, "until": tx.now + row.lease_ms})
        answers.append(frozenset(tx.conn.execute(_HELD_BY, {"holder": row.worker}).scalars()))
    return answers


@dataclass(frozen=True, slots=True)
class ExpireLeases:
    """End the leases of some of a worker's attempts."""

    worker: str
    attempt_ids: frozenset[int]


def expire_leases_of_attempts(tx: Tx, rows: Sequence[ExpireLeases]) -> list[None]:
    """End the leases now, so that the next rescue of any worker takes the attempts over."""
    for row in rows:
        tx.conn.execute(
            update(attempts)
            .where(
                ATTEMPT_IS_LIVE, attempts.c.worker == row.worker, attempts.c.id.in_(sorted(row.attempt_ids))
            )
            .values(lease_expires_at=tx.now)
        )
    return [None] * len(rows)


def hand_back(tx: Tx, rows: Sequence[ExpireLeases]) -> list[None]:
    """Leave accepted attempts of a worker to the next rescue of any other one: until then they are
    nobody's.
    """
    for row in rows:
        tx.conn.execute(
            update(attempts)
            .where(
                ATTEMPT_IS_LIVE,
                attempts.c.worker == row.worker,
                attempts.c.id.in_(sorted(row.attempt_ids)),
                attempts.c.state == AttemptState.IN_FLIGHT.value,
            )
            .values(worker=NOBODY, lease_expires_at=tx.now, epoch=attempts.c.epoch + 1)
        )
    return [None] * len(rows)


def expire_leases_of_workers(tx: Tx, worker_ids: Sequence[str]) -> int:
    """End the leases of workers that are known to be dead, so that rescue does not have to wait for them."""
    return tx.conn.execute(
        update(attempts)
        .where(ATTEMPT_IS_LIVE, attempts.c.worker.in_(worker_ids), attempts.c.lease_expires_at > tx.now)
        .values(lease_expires_at=tx.now)
    ).rowcount


def lapsed(tx: Tx, which: Select[Any]) -> Sequence[Any]:
    """Attempts whose leases have lapsed, locked, oldest first, up to a bound; those that another transaction
    has locked are left out.
    """
    query = dialect.lock_rows(tx.conn, which, attempts, skip_locked=True)
    return tx.conn.execute(query, {"now": tx.now, "most": RESCUE_MAX}).all()


def _rescue_one(tx: Tx, row: Rescue) -> Rescued:
    rows = lapsed(tx, _LAPSED)
    leased = [found for found in rows if found.state == AttemptState.LEASED.value]
    submitting = [found for found in rows if found.state == AttemptState.SUBMITTING.value]
    accepted = [found for found in rows if found.prediction_id is not None]
    endings.give_back(tx, [_abandoned_by_dead_worker(found, row.deaths_max) for found in leased])
    lifecycle.mark_in_doubt(
        tx,
        [
            lifecycle.MarkInDoubt(found.id, found.epoch, "its worker died while sending the request")
            for found in submitting
        ],
    )
    taken_over = tuple(_take_over(tx, row, accepted))
    _note_rescue(tx, row.worker, rows)
    return Rescued(taken_over, len(leased), len(submitting))


def _note_rescue(tx: Tx, worker: str, rows: Sequence[Any]) -> None:
    """Record what became of the attempts of each worker whose leases had lapsed."""
    counts: dict[str, Counter[str]] = {}
    for found in rows:
        counts.setdefault(found.worker, Counter())[_FATES.get(found.state, COLLECTED)] += 1
    for holder, fates in sorted(counts.items()):
        told = ", ".join(f"{number:,} {fate}" for fate, number in sorted(fates.items()))
        tx.conn.execute(
            events.insert().values(
                at=tx.now, kind="taken_over", message=f"worker {worker} took over {_whose(holder)}: {told}"
            )
        )


def _whose(holder: str) -> str:
    return "what was handed back" if holder == NOBODY else f"the work of {holder}"


def _take_over(tx: Tx, row: Rescue, accepted: Sequence[Any]) -> list[HeldAttempt]:
    if not accepted:
        return []
    tx.conn.execute(
        update(attempts)
        .where(attempts.c.id.in_([found.id for found in accepted]))
        .values(worker=row.worker, lease_expires_at=tx.now + row.lease_ms, epoch=attempts.c.epoch + 1)
    )
    return held_by(tx, row.worker, [found.id for found in accepted])


def _abandoned_by_dead_worker(found: Any, deaths_max: int) -> endings.GiveBack:
    """The worker died before anything was sent. A job over which too many workers died is set aside for an
    operator.
    """
    poison = found.deaths + 1 >= deaths_max
    message = f"its worker died, the {found.deaths + 1}. one over this job" if poison else "its worker died"
    return endings.GiveBack(
        attempt_id=found.id,
        epoch=found.epoch,
        event=AttemptEvent.RELEASED,
        delay_ms=None if poison else 0,
        reason="poison" if poison else "released",
        message=message,
        worker_died=True,
    )


_LAPSED: Final = (
    select(
        attempts.c.id,
        attempts.c.epoch,
        attempts.c.state,
        attempts.c.worker,
        attempts.c.prediction_id,
        jobs.c.deaths,
    )
    .join_from(attempts, jobs)
    .where(
        ATTEMPT_IS_LIVE,
        attempts.c.lease_expires_at <= bindparam("now"),
        attempts.c.state != AttemptState.IN_DOUBT.value,
    )
    .order_by(attempts.c.lease_expires_at)
    .limit(bindparam("most"))
)
_HELD: Final = and_(
    ATTEMPT_IS_LIVE,
    attempts.c.worker == bindparam("holder"),
    attempts.c.state != AttemptState.IN_DOUBT.value,
)
_EXTEND: Final = update(attempts).where(_HELD).values(lease_expires_at=bindparam("until"))
_HELD_BY: Final = select(attempts.c.id).where(_HELD)
