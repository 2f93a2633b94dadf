"""Reports of signed webhooks: evidence for the resolver, recorded once and never acted upon here."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, Select, select

from orchestrator.core.states import ATTEMPT_LIVE, AttemptState
from orchestrator.store.attempts import predictions
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, events, webhook_receipts

SECOND_TASK: Final = "second_task_reported"
REFUSED: Final = "webhook_refused"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook whose signature was verified: the token of its URL, and the prediction that it is about."""

    token: str
    prediction_id: str
    status: str


class ReportOutcome(StrEnum):
    """What became of a delivery."""

    EVIDENCE = "evidence"  # recorded: the attempt has no prediction yet
    KNOWN = "known"  # the attempt holds this prediction, or the delivery is a repeat: nothing was written
    SECOND = "second"  # recorded, with an event: see `_judge_new`
    STRANGER = "stranger"  # no attempt has this token: nothing was written


def record_report(tx: Tx, rows: Sequence[Delivery]) -> list[ReportOutcome]:
    """Record each delivery as evidence; one that reports nothing new writes nothing."""
    return [_record_one(tx, row) for row in rows]


def note_refused(tx: Tx, rows: Sequence[str]) -> list[None]:
    """Record a security event for each message about rejected deliveries."""
    for message in rows:
        tx.conn.execute(events.insert().values(at=tx.now, kind=REFUSED, message=message))
    return [None] * len(rows)


def of_doubts(tx: Tx) -> list[tuple[int, str]]:
    """Attempt and prediction of every report about an attempt that is in doubt now."""
    query = (
        select(webhook_receipts.c.attempt_id, webhook_receipts.c.prediction_id)
        .join_from(webhook_receipts, attempts)
        .where(ATTEMPT_IS_LIVE, attempts.c.state == AttemptState.IN_DOUBT.value)
        .order_by(webhook_receipts.c.attempt_id, webhook_receipts.c.prediction_id)
    )
    return [(row.attempt_id, row.prediction_id) for row in tx.conn.execute(query)]


def reported(tx: Tx, prediction_ids: Sequence[str]) -> set[str]:
    """Which of these predictions a webhook has reported for an attempt that holds none: they belong to no
    other attempt.
    """
    found: set[str] = set()
    for chunk in chunks(prediction_ids):
        column = webhook_receipts.c.prediction_id
        named = select(column).join_from(webhook_receipts, attempts)
        found.update(
            tx.conn.execute(named.where(column.in_(chunk), attempts.c.prediction_id.is_(None))).scalars()
        )
    return found


def with_report(tx: Tx, attempt_ids: Sequence[int]) -> set[int]:
    """Which of these attempts a webhook has reported a prediction for: their POST created something."""
    found: set[int] = set()
    for chunk in chunks(attempt_ids):
        column = webhook_receipts.c.attempt_id
        found.update(tx.conn.execute(select(column).where(column.in_(chunk))).scalars())
    return found


def _record_one(tx: Tx, row: Delivery) -> ReportOutcome:
    # The lock serialises this with the end of a doubt: no evidence is missed when absence is concluded.
    attempt = tx.conn.execute(dialect.lock_rows(tx.conn, _attempt_of(row.token), attempts)).one_or_none()
    if attempt is None:
        return ReportOutcome.STRANGER
    if attempt.prediction_id == row.prediction_id:
        return ReportOutcome.KNOWN
    receipt = {
        "attempt_id": attempt.id,
        "prediction_id": row.prediction_id,
        "status": row.status,
        "received_at": tx.now,
    }
    insert = dialect.insert_or_ignore(tx.conn, webhook_receipts).returning(webhook_receipts.c.attempt_id)
    if tx.conn.execute(insert, receipt).first() is None:
        return ReportOutcome.KNOWN
    return _judge_new(tx, row, attempt)


def _judge_new(tx: Tx, row: Delivery, attempt: Row[Any]) -> ReportOutcome:
    """Whether a new report can end a doubt. A report that cannot is recorded as an event, and its prediction
    is never matched with another attempt.

    Two cases are exceptions, and their predictions stay unknown. An attempt that is over and was never sent,
    as far as this database knows, was sent by the original of a restored or copied database; `reconcile` can
    give the prediction to the job that wants it. And of two attempts that sent the same, matching by the list
    may have swapped the predictions; then the reported prediction belongs to the other attempt.
    """
    is_free = bool(predictions.unheld(tx, [row.prediction_id]))
    if is_free and attempt.prediction_id is None and attempt.state in ATTEMPT_LIVE:
        return ReportOutcome.EVIDENCE
    is_sent = attempt.submitted_at is not None
    why = f"holds {attempt.prediction_id}" if attempt.prediction_id else f"is {attempt.state}"
    if not is_sent:
        why += " and never left, as far as this database knows (was it restored from a backup?)"
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind=SECOND_TASK,
            job_id=attempt.job_id,
            attempt_id=attempt.id,
            message=(
                f"a webhook says that prediction {row.prediction_id} was created for this attempt, "
                f"which {why}" + ("" if is_free else "; another attempt holds it")
            ),
        )
    )
    if is_free and is_sent and not _has_like(tx, attempt):
        predictions.mark_foreign(
            tx=tx,
            prediction_id=row.prediction_id,
            model=None,
            created_at=None,
            why=f"reported by a webhook for attempt {attempt.id}",
        )
    return ReportOutcome.SECOND


def _has_like(tx: Tx, attempt: Row[Any]) -> bool:
    """Whether this attempt holds a prediction while another that sent the same still waits for one."""
    if attempt.prediction_id is None or attempt.sent_digest is None:
        return False
    waits = (AttemptState.SUBMITTING.value, AttemptState.IN_DOUBT.value)
    query = select(attempts.c.id).where(
        ATTEMPT_IS_LIVE, attempts.c.state.in_(waits), attempts.c.sent_digest == attempt.sent_digest
    )
    return tx.conn.execute(query.limit(1)).first() is not None


def _attempt_of(token: str) -> Select[Any]:
    names = ("id", "job_id", "state", "prediction_id", "submitted_at", "sent_digest")
    return select(*(attempts.c[name] for name in names)).where(attempts.c.token == token)
