"""A task that an operator names: checked at the provider before any money is posted for it."""

from orchestrator.core.errors import UsageError
from orchestrator.ports import Missing, Prediction, Provider


async def find_task(provider: Provider, prediction_id: str, model: str) -> Prediction:
    """The task; raises UsageError when the provider does not know it, cannot say, or it is of another
    model.
    """
    found = await provider.result(prediction_id)
    if isinstance(found, Missing):
        raise UsageError(
            f"The provider does not know a task {prediction_id!r}. Check the id: orchestrator "
            "reconcile, orchestrator in-doubt list"
        )
    if not isinstance(found, Prediction):
        raise UsageError(f"Task {prediction_id!r} could not be looked up: {found.message}. Try again later.")
    if found.model is not None and found.model != model:
        raise UsageError(f"Task {prediction_id} is of model {found.model}, not {model}.")
    return found
