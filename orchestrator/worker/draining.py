"""When somebody waits for the end, and the end does not come by itself."""

from typing import Final

from orchestrator.core.errors import OperatorNeededError, OrchestratorError, StorageError
from orchestrator.worker.flight import Activity

FETCH_PATIENCE_SECONDS: Final = 600.0
"""When nothing but failing downloads is left, a draining worker gives up after this; a later one goes on."""


def why_stuck(activity: Activity, monotonic: float) -> OrchestratorError | None:
    """Why to stop waiting: only downloads are left, and they do not get on. None while anything moves."""
    if activity.preparing or activity.submitting or activity.in_flight:
        return None
    if activity.stuck_on_storage:
        return StorageError(activity.stuck_on_storage)
    if not activity.fetch_trouble or monotonic - activity.fetched_at < FETCH_PATIENCE_SECONDS:
        return None
    return OperatorNeededError(
        f"{len(activity.fetching)} finished task(s) cannot be downloaded: {activity.fetch_trouble}. They are paid for "
        "and kept at the provider for a week; try again soon: orchestrator work --drain"
    )
