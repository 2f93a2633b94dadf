"""The drain watchdog: it ends a draining worker that cannot finish by itself."""

from typing import Final

from orchestrator.core.errors import OperatorNeededError, OrchestratorError, StorageError
from orchestrator.worker.activity import Activity
from orchestrator.worker.pipeline.download_health import DownloadHealth

GIVE_UP_SECONDS: Final = 600.0
"""When nothing but failing downloads or unreadable lists is left, a draining worker gives up after this; a
later one goes on."""


class DrainWatchdog:
    """Notices that nothing moves any more, and says why."""

    def __init__(self) -> None:
        self._blocked_since: float | None = None  # monotonic

    def why_stuck(
        self, *, activity: Activity, downloads: DownloadHealth, unreadable: str, monotonic: float
    ) -> OrchestratorError | None:
        """Why to stop waiting; None while anything moves. `unreadable` says what of the provider must be read
        before more can happen.
        """
        blocked = self._why_blocked(activity, unreadable, monotonic)
        if activity.preparing or activity.submitting or activity.in_flight:
            return None
        if downloads.storage_trouble:
            return StorageError(downloads.storage_trouble)
        if downloads.failing_seconds(monotonic) < GIVE_UP_SECONDS:
            return blocked
        return OperatorNeededError(
            f"{len(activity.fetching)} finished task(s) cannot be downloaded: {downloads.trouble}. They "
            "are paid for and kept at the provider for a week; try again soon: orchestrator work --drain"
        )

    def _why_blocked(self, activity: Activity, unreadable: str, monotonic: float) -> OrchestratorError | None:
        """Nothing is under way, and what must be read has not been readable for long."""
        if activity.busy or not unreadable:
            self._blocked_since = None
            return None
        if self._blocked_since is None:
            self._blocked_since = monotonic
        if monotonic - self._blocked_since < GIVE_UP_SECONDS:
            return None
        return OperatorNeededError(
            f"{unreadable} It could not be read for ten minutes; try again later: orchestrator work --drain"
        )
