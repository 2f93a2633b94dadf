"""Security events about deliveries that are not believed: few enough that a flood cannot fill the
database.
"""

from collections import Counter
from contextlib import suppress
from typing import Final

from orchestrator.core.errors import DatabaseError
from orchestrator.core.webhooks import Refusal
from orchestrator.ports import Clock
from orchestrator.store.db.group_commit import Writer
from orchestrator.store.doubts import webhook_reports

QUIET_SECONDS: Final = 60.0
"""At most one event for each reason in this time; the next one says how many more there were."""


class Refusals:
    """Writes the events. Their words are ours alone: nothing that a stranger sent is written down."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._told_at: dict[Refusal, float] = {}
        self._untold: Counter[Refusal] = Counter()

    async def note(self, why: Refusal) -> None:
        """One more delivery was not believed; a database that is away loses the event and nothing else."""
        now = self._clock.monotonic()
        told_at = self._told_at.get(why)
        if told_at is not None and now - told_at < QUIET_SECONDS:
            self._untold[why] += 1
            return
        self._told_at[why] = now
        no_notice = self._untold.pop(why, 0)
        more = f" (and {no_notice} more like it before)" if no_notice else ""
        with suppress(DatabaseError):
            await self._writer.submit(
                webhook_reports.note_refused, f"a webhook was not believed: {why}{more}"
            )
