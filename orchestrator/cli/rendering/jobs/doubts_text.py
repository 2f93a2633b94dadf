"""Lost replies in words: what is looked for by itself, until when, and what waits for a person."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from orchestrator.settings import Settings
from orchestrator.store.views.trouble import InDoubtRow, OpenDoubts

LOOKS_SECONDS: Final = 30.0
"""Two looks at the provider's list come after the settle delay, 15 s apart at most."""


def looked_for_until(settings: Settings, lost_at: int) -> int:
    """Until when a reply that was lost at `lost_at` is looked for, unless evidence comes before (ms)."""
    settle = settings.in_doubt.settle_seconds
    wait = settle + min(LOOKS_SECONDS, settle / 2 + 1)
    if settings.webhook.url is not None:
        wait = max(wait, settings.webhook.wait_seconds)
    return lost_at + int(wait * 1000)


def doubts_words(doubts: OpenDoubts, settings: Settings, now: int) -> str:
    """Such as `2 in doubt (being looked for until 04:13:43Z, nothing to do)`; empty without doubts."""
    parts = []
    if doubts.looked_for:
        until = looked_for_until(settings, doubts.newest_at)
        parts.append(f"{doubts.looked_for:,} in doubt ({_looked_for(until, now)})")
    if doubts.for_a_person:
        parts.append(f"{doubts.for_a_person:,} in doubt (for you to decide: orchestrator in-doubt list)")
    return ", ".join(parts)


def doubt_words(row: InDoubtRow, settings: Settings, now: int) -> str:
    """What becomes of one doubt."""
    if row.needs_person:
        return "for you to decide"
    return _looked_for(looked_for_until(settings, row.doubted_at or row.submitted_at or now), now)


def people_needed(rows: Iterable[InDoubtRow]) -> list[InDoubtRow]:
    """Those that the evidence cannot decide."""
    return [row for row in rows if row.needs_person]


def _looked_for(until: int, now: int) -> str:
    if now > until:
        return "still being looked for: a worker must run, and the provider's list be readable"
    shown = datetime.fromtimestamp(until / 1000, tz=UTC)
    day = "" if until - now < 12 * 3600 * 1000 else f"{shown:%Y-%m-%d} "
    return f"being looked for until {day}{shown:%H:%M:%S}Z, nothing to do"
