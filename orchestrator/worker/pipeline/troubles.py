"""What keeps attempts from going on, gathered here and written now and then for those who look.

Thousands of downloads or polls may fail again and again: what is written is bounded in time and in number,
and a fault that repeats itself is not written each time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from orchestrator.store.attempts import troubles
from orchestrator.store.attempts.held import HeldAttempt
from orchestrator.store.attempts.troubles import Trouble
from orchestrator.worker.deps import Deps

WRITE_SECONDS: Final = 2.0
WRITE_MAX: Final = 200
"""Notes of one write, and so a hundred a second."""

SAME_SECONDS: Final = 15.0
"""A fault that is written already is written again, with its count and the next try, after this at the
earliest, or as soon as its next try is so far away that somebody can read of it."""

LONG_WAIT_MS: Final = 5_000
TEXT_MAX: Final = 300


@dataclass(slots=True)
class _Written:
    text: str
    at: float  # monotonic, like the next one
    until: float  # when the next try was to be


class TroubleNotes:
    """The latest trouble of each attempt of this worker."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: OrderedDict[int, Trouble] = OrderedDict()
        self._written: dict[int, _Written] = {}

    def note(self, attempt: HeldAttempt, text: str, *, count: int, wait_seconds: float) -> None:
        """The attempt met this fault, the `count`th in a row, and is tried again after the wait."""
        self._waiting[attempt.attempt_id] = Trouble(
            attempt_id=attempt.attempt_id,
            epoch=attempt.epoch,
            text=text[:TEXT_MAX],
            count=count,
            next_try_at=self._deps.clock.now_ms() + int(wait_seconds * 1000),
        )

    def over(self, attempt: HeldAttempt) -> None:
        """The attempt goes on as it should; costs nothing where no trouble was written."""
        self._waiting.pop(attempt.attempt_id, None)
        if attempt.attempt_id in self._written:
            self._waiting[attempt.attempt_id] = Trouble(attempt.attempt_id, attempt.epoch, "")

    def forget(self, attempt_id: int) -> None:
        """The attempt is over here: its own transition has cleared what was written."""
        self._waiting.pop(attempt_id, None)
        self._written.pop(attempt_id, None)

    async def tick(self) -> float:
        """Write what is new, oldest first, up to a bound."""
        now = self._deps.clock.monotonic()
        chosen = [note for note in self._waiting.values() if self._is_news(note, now)][:WRITE_MAX]
        if chosen:
            await self._deps.writer.submit(troubles.record, tuple(chosen))
        for note in chosen:
            if self._waiting.get(note.attempt_id) is note:
                del self._waiting[note.attempt_id]
            if note.text:
                wait = max(0, (note.next_try_at or 0) - self._deps.clock.now_ms()) / 1000
                self._written[note.attempt_id] = _Written(note.text, now, until=now + wait)
            else:
                self._written.pop(note.attempt_id, None)
        return WRITE_SECONDS

    def _is_news(self, note: Trouble, now: float) -> bool:
        written = self._written.get(note.attempt_id)
        if written is None or written.text != note.text:
            return True
        if now - written.at >= SAME_SECONDS:
            return True
        lasts = (note.next_try_at or 0) - self._deps.clock.now_ms() >= LONG_WAIT_MS
        return lasts and now >= written.until
