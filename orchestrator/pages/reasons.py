"""Why a cell has no picture, in words for people who look at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.states import JobState
from orchestrator.store.db.schema import OutputState
from orchestrator.store.views.jobs.products import TryRow
from orchestrator.store.views.jobs.waiting import LaneWait

CAP: Final = "budget"
MODERATED: Final = "moderated"

_GONE: Final = {
    OutputState.DISCARDED.value: "flagged, and discarded as the configuration says",
    OutputState.LOST.value: "made, and lost before it could be stored",
    OutputState.ABSENT.value: "the provider returned none",
}


@dataclass(frozen=True, slots=True)
class Reasons:
    """Says of one job why it has no picture: a short word for the cell, then a sentence."""

    waits: Mapping[int, LaneWait] = field(default_factory=dict)
    for_clients: bool = False

    def __call__(self, row: TryRow) -> str:
        """Both in one line."""
        word, sentence = self.of(row)
        return f"{word}: {sentence}" if sentence and not self.for_clients else word

    def of(self, row: TryRow) -> tuple[str, str]:
        """The word and the sentence."""
        if self.for_clients:
            return ("made" if row.state in {JobState.SUCCEEDED, JobState.REUSED} else "not made"), ""
        match JobState(row.state):
            case JobState.PENDING:
                return self._pending(row)
            case JobState.RUNNING:
                return "being made", ""
            case JobState.FAILED:
                word = "refused by moderation" if row.reason == MODERATED else f"failed: {row.reason or ''}"
                return word.rstrip(": "), row.message or "No reason was recorded."
            case JobState.CANCELLED:
                return "cancelled", row.message or ""
            case JobState.SUCCEEDED | JobState.REUSED:
                found = {_GONE[each.state] for each in row.outputs if each.state in _GONE}
                return "no picture", ", ".join(sorted(found))

    def _pending(self, row: TryRow) -> tuple[str, str]:
        wait = self.waits.get(row.lane_id)
        if wait is None:
            again = row.message if row.due_at is not None else None
            return ("tried again soon", again) if again else ("waits for its turn", "")
        return ("waits for money" if wait.reason == CAP else "stopped"), wait.words
