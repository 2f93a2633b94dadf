"""What signed webhooks said: evidence for the resolver, recorded once, never acted upon here."""

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
    SECOND = (
        "second"  # recorded, with an event: the attempt is over, or it or the prediction belongs elsewhere
    )
    STRANGER = "stranger"  # no attempt has this token: nothing was written


def record_report(tx: Tx, rows: Sequence[Delivery]) -> list[ReportOutcome]:
    """Record each delivery as evidence; one that says what is known already writes nothing."""
    return [_record_one(tx, row) for row in rows]


def note_refused(tx: Tx, rows: Sequence[str]) -> list[None]:
    """A security event for each message about deliveries that were not believed."""
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
    """Which of these predictions a webhook has named an attempt for that holds none: they can be no other
    attempt's.
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
    """Which of these attempts a webhook has told something about: they created something."""
    found: set[int] = set()
    for chunk in chunks(attempt_ids):
        column = webhook_receipts.c.attempt_id
        found.update(tx.conn.execute(select(column).where(column.in_(chunk))).scalars())
    return found


def _record_one(tx: Tx, row: Delivery) -> ReportOutcome:
    # The lock makes this and the end of a doubt one after another: evidence never slips past a verdict of
    # absence.
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
    """Whether a new report can end a doubt; one that cannot is told, and its prediction is never taken for
    another's.

    An attempt that is over and never left was sent by another self of this database, which was restored or
    copied since: its prediction stays unknown, so that it counts as a gap and `reconcile` can give it to the
    job that wants it. Of two requests that were alike, the list may have given each the other's prediction:
    what is reported then is the other's.
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
    """Whether this attempt holds a prediction, and another that sent the same still waits for one."""
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
