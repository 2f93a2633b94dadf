"""When a lost request may have been acted on: by our clock, and by the provider's."""

from typing import Final

from orchestrator.core import evidence
from orchestrator.settings import Settings
from orchestrator.store.doubts.doubts import InDoubt
from orchestrator.worker.deps import Deps

LATE_ACTION_MS: Final = 60_000
"""How long after our own time limit the provider may still act on a request."""


def last_possible_at(settings: Settings, sent_at: int) -> int:
    """Until when the provider may have acted on a request that left at `sent_at` or soon after (ms)."""
    wait = settings.provider.connect_timeout_seconds + settings.provider.submit_timeout_seconds
    return sent_at + int(wait * 1000) + LATE_ACTION_MS


def settles_at(settings: Settings, row: InDoubt) -> int:
    """When the provider's list would show whatever this request has created (ms)."""
    return row.doubted_at + int(settings.in_doubt.settle_seconds * 1000)


def as_evidence(deps: Deps, row: InDoubt, now: int) -> evidence.Doubt:
    """The doubt with its window.

    An answer that came ends it. So does the settle delay: what it promises, that the list shows by its end
    whatever was created, is what absence is concluded from too.
    """
    settles = settles_at(deps.settings, row)
    ends = min(last_possible_at(deps.settings, row.submitted_at), settles)
    offset = deps.provider_clock.window(row.submitted_at, deps.moment())
    return evidence.Doubt(
        attempt_id=row.attempt_id,
        model=row.model,
        digest=row.sent_digest,
        keys=tuple(sorted(row.params)),
        sent_at=row.submitted_at,
        last_possible_at=ends if row.answered_at is None else min(ends, row.answered_at),
        settled=now >= settles,
        early_ms=offset.low,
        late_ms=offset.high,
    )
