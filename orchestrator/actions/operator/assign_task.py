"""An operator gives a waiting job a task that was bought already, by another copy of this database."""

from orchestrator.actions.operator.find_task import find_task
from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.ports import Entropy, Provider
from orchestrator.store.account.acts import Change, Signature, record
from orchestrator.store.attempts import predictions
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.doubts import adoption


async def assign_task(
    database: Database,
    provider: Provider,
    entropy: Entropy,
    signed: Signature,
    *,
    job_id: int,
    prediction_id: str,
    timezone: str,
) -> None:
    """The job takes the task as its attempt; a worker collects its pictures, and its price counts as held.

    Raises NotFoundError or UsageError when there is no such job, it is not waiting, the provider does not
    know the task, it is of another model, or an attempt holds it.
    """
    with database.read() as tx:
        model = _model(tx, job_id)
    found = await find_task(provider, prediction_id, model)
    with database.write() as tx:
        if not predictions.unheld(tx, [prediction_id]):
            raise UsageError(f"Another attempt holds task {prediction_id}. Nothing was changed.")
        token = entropy.token()
        if not adoption.assign(
            tx, job_id, prediction_id, status=found.status_text, token=token, timezone=timezone
        ):
            raise UsageError(
                f"Job {job_id} is not waiting, so it takes no other task. See: orchestrator jobs show "
                f"{job_id}"
            )
        record(tx, signed, Change(f"job {job_id}", "waiting", f"has task {prediction_id}", job_id=job_id))


def _model(tx: Tx, job_id: int) -> str:
    model = adoption.model_of(tx, job_id)
    if model is None:
        raise NotFoundError(f"There is no job {job_id}. See: orchestrator jobs list")
    return model
