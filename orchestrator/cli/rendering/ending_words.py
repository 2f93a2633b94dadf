"""What a person is told when a worker is asked to end."""

from collections.abc import Mapping
from typing import Final

from orchestrator.cli.rendering.words import safe
from orchestrator.worker.stop import StopLevel

FINISHING: Final = (
    "Stopping: nothing new is submitted; {in_flight} in flight and {fetching} downloading, already paid, are "
    "still collected.{slow} Ctrl-C again to leave now: they stay safe, and the next run or worker collects "
    "them."
)
FAILING: Final = " The last download failed ({trouble}): they are tried for up to ten minutes more."
HANDING_OVER: Final = (
    "Stopping: nothing new is submitted; requests and downloads under way are finished within {grace:g} s. "
    "{in_flight} in flight and already paid stay safe: other workers, or the next run, collect them."
)
LEAVING: Final = "Leaving now. What is in flight stays safe; the next run or worker collects it."


def ending_words(level: StopLevel, snapshot: Mapping[str, object], grace_seconds: float) -> str:
    """What this level leads to, with how much is under way, and what keeps pictures from being downloaded."""
    if level is StopLevel.FINISHING:
        trouble = snapshot.get("download_trouble")
        slow = FAILING.format(trouble=safe(str(trouble), 160)) if trouble and snapshot["fetching"] else ""
        return FINISHING.format(in_flight=snapshot["in_flight"], fetching=snapshot["fetching"], slow=slow)
    if level is StopLevel.HANDING_OVER:
        return HANDING_OVER.format(grace=grace_seconds, in_flight=snapshot["in_flight"])
    return LEAVING
