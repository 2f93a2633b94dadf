"""An operator ends a doubt: the prediction is this one, or there is none, or the money is given up."""

from orchestrator.actions.operator.find_task import find_task
from orchestrator.core.errors import UsageError
from orchestrator.ports import Provider
from orchestrator.store.account.acts import Change, Signature, record
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.doubts import doubts, webhook_reports

OPERATOR = "decided by an operator"


async def resolve_as(
    database: Database, provider: Provider, signed: Signature, *, attempt_id: int, prediction_id: str
) -> None:
    """The POST created this prediction: it is checked at the provider, then polled and stored like any other.

    Raises NotFoundError or UsageError when the attempt is not in doubt, the provider does not know the
    prediction, it is of another model, or another attempt holds it.
    """
    with database.read() as tx:
        doubt = doubts.find(tx, attempt_id)
    found = await find_task(provider, prediction_id, doubt.model)
    row = doubts.Found(
        attempt_id=doubt.attempt_id,
        epoch=doubt.epoch,
        prediction_id=prediction_id,
        status=found.status_text,
        worker="operator",
        lease_ms=0,
        evidence=OPERATOR,
    )
    with database.write() as tx:
        if not doubts.resolve_as(tx, [row])[0]:
            raise UsageError(
                f"Attempt {attempt_id} is not in doubt any more, or another attempt holds {prediction_id}."
            )
        _record(tx, signed, doubt, decided=f"adopted task {prediction_id}")


def absent(database: Database, signed: Signature, attempt_id: int) -> None:
    """The POST created nothing: the money is free again and the job may be sent anew.

    Raises UsageError when a signed webhook says that it created something.
    """
    with database.write() as tx:
        doubt = doubts.find(tx, attempt_id)
        if not doubts.abandon(tx, [doubts.Absent(doubt.attempt_id, doubt.epoch, OPERATOR)])[0]:
            told = ", ".join(name for attempt, name in webhook_reports.of_doubts(tx) if attempt == attempt_id)
            raise UsageError(
                f"A signed webhook says that attempt {attempt_id} created {told}, so it is not absent. "
                f"Adopt it, or write it off: orchestrator in-doubt resolve {attempt_id} --adopt {told}"
            )
        _record(tx, signed, doubt, decided="never created")


def write_off(database: Database, signed: Signature, attempt_id: int) -> None:
    """Give the attempt up: its money counts as spent, its job fails and may be retried."""
    with database.write() as tx:
        doubt = doubts.find(tx, attempt_id)
        if doubts.write_off(tx, doubt):
            _record(tx, signed, doubt, decided="written off")


def _record(tx: Tx, signed: Signature, doubt: doubts.InDoubt, *, decided: str) -> None:
    subject = f"attempt {doubt.attempt_id} of job {doubt.job_id}"
    record(tx, signed, Change(subject, "in doubt", decided, job_id=doubt.job_id))
