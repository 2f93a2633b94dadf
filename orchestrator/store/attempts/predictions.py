"""Predictions: which attempt holds one, and which are foreign. A foreign prediction is recorded once, so that
it is never matched with an attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, RowMapping, Select, bindparam, select

from orchestrator.core.states import ReservationState
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import attempts, events, foreign_predictions, job_specs, jobs, lanes, runs


def mark_foreign(tx: Tx, prediction_id: str, model: str | None, created_at: int | None, why: str) -> None:
    """Record a prediction that must not be matched with any attempt; a repeat changes nothing."""
    tx.conn.execute(
        dialect.insert(tx.conn, foreign_predictions)
        .values(prediction_id=prediction_id, model=model, created_at=created_at, noted_at=tx.now, note=why)
        .on_conflict_do_nothing(index_elements=["prediction_id"])
    )


def unknown(tx: Tx, prediction_ids: list[str]) -> set[str]:
    """Which of these predictions are neither held by an attempt nor recorded as foreign."""
    known: set[str] = set()
    for chunk in chunks(prediction_ids):
        for query in (_HELD, _NOTED):
            known.update(tx.conn.execute(query, {"ids": chunk}).scalars())
    return set(prediction_ids) - known


def unheld(tx: Tx, prediction_ids: list[str]) -> set[str]:
    """Which of these predictions no attempt holds."""
    return set(prediction_ids) - set(tx.conn.execute(_HELD, {"ids": prediction_ids}).scalars())


@dataclass(frozen=True, slots=True)
class Ours:
    """An attempt that holds a prediction."""

    attempt_id: int
    prediction_id: str
    price_micros: int
    refund_due: bool
    ended: bool
    model: str
    planned_micros: int  # the price that a person has agreed to for such a job
    agreed_billed_micros: int | None  # the charge that a person has agreed to
    agreed_charge_micros: int | None  # and what counts for it
    agreed_refunded_micros: int | None


def owners(tx: Tx, prediction_ids: Sequence[str]) -> dict[str, Ours]:
    """The attempt that holds each prediction, by prediction id."""
    found: dict[str, Ours] = {}
    for chunk in chunks(prediction_ids):
        for row in tx.conn.execute(_OURS.where(attempts.c.prediction_id.in_(chunk))).mappings():
            found[row["prediction_id"]] = _ours(row)
    return found


def accepted_between(tx: Tx, start_ms: int, end_ms: int) -> list[Ours]:
    """Attempts whose prediction was accepted in the period, oldest first."""
    query = _OURS.where(attempts.c.accepted_at >= start_ms, attempts.c.accepted_at < end_ms).order_by(
        attempts.c.id
    )
    return [_ours(row) for row in tx.conn.execute(query).mappings()]


def sent_digests(tx: Tx, prediction_ids: Sequence[str]) -> dict[str, str]:
    """The digest of what was sent for each prediction, by prediction id, where it is known."""
    found: dict[str, str] = {}
    for chunk in chunks(prediction_ids):
        query = select(attempts.c.prediction_id, attempts.c.sent_digest).where(
            attempts.c.prediction_id.in_(chunk),
            attempts.c.sent_digest.is_not(None),
        )
        found.update({row.prediction_id: row.sent_digest for row in tx.conn.execute(query)})
    return found


def sent_keys(tx: Tx, prediction_ids: Sequence[str]) -> set[tuple[str, ...]]:
    """The sets of parameters that were sent for these predictions."""
    found: set[tuple[str, ...]] = set()
    for chunk in chunks(prediction_ids):
        query = (
            select(job_specs.c.params)
            .join_from(attempts, job_specs, job_specs.c.job_id == attempts.c.job_id)
            .where(attempts.c.prediction_id.in_(chunk))
        )
        found.update(tuple(sorted(params)) for params in tx.conn.execute(query).scalars())
    return found


Holder = tuple[int, int, str]
"""The attempt that holds a prediction, its epoch, and the worker that holds the attempt."""


def holders(tx: Tx, ids: Sequence[str]) -> dict[str, Holder]:
    """The holder of each prediction, by prediction id."""
    query = select(attempts.c.prediction_id, attempts.c.id, attempts.c.epoch, attempts.c.worker).where(
        attempts.c.prediction_id.in_(list(ids))
    )
    return {row.prediction_id: (row.id, row.epoch, row.worker) for row in tx.conn.execute(query)}


def note_unattached(tx: Tx, prediction_id: str, attempt_id: int, *, owner: Holder | None) -> None:
    """An attempt's reply named a prediction that it cannot be given any more: an event, and foreign unless
    another attempt holds it.
    """
    if owner is not None and owner[0] == attempt_id:
        return
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="late_acceptance",
            attempt_id=attempt_id,
            message=f"prediction {prediction_id} was accepted for an attempt that is over"
            + (f"; attempt {owner[0]} holds it" if owner else ""),
        )
    )
    if owner is None:
        mark_foreign(
            tx=tx,
            prediction_id=prediction_id,
            model=None,
            created_at=None,
            why=f"accepted late for attempt {attempt_id}",
        )


def _ours(fields: RowMapping) -> Ours:
    return Ours(
        attempt_id=fields["id"],
        prediction_id=fields["prediction_id"],
        price_micros=fields["price_micros"],
        refund_due=fields["reservation"] == ReservationState.REFUND_DUE.value,
        ended=fields["finished_at"] is not None,
        model=fields["model"],
        planned_micros=fields["planned_micros"],
        agreed_billed_micros=fields["agreed_billed_micros"],
        agreed_charge_micros=fields["agreed_charge_micros"],
        agreed_refunded_micros=fields["agreed_refunded_micros"],
    )


def _among_ids(column: Column[str]) -> Select[str]:
    return select(column).where(column.in_(bindparam("ids", expanding=True)))


_OURS: Final = (
    select(
        attempts.c.id,
        attempts.c.prediction_id,
        attempts.c.price_micros,
        attempts.c.reservation,
        attempts.c.finished_at,
        attempts.c.agreed_billed_micros,
        attempts.c.agreed_charge_micros,
        attempts.c.agreed_refunded_micros,
        runs.c.model,
        lanes.c.planned_micros,
    )
    .join_from(attempts, runs)
    .join(jobs, jobs.c.id == attempts.c.job_id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .where(attempts.c.prediction_id.is_not(None))
)
_HELD: Final = _among_ids(attempts.c.prediction_id)
_NOTED: Final = _among_ids(foreign_predictions.c.prediction_id)
