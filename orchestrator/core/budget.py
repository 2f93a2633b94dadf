"""Budget arithmetic: which periods an amount counts in, and what is left under a cap."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def day_of(now_ms: int, timezone: str) -> str:
    """The calendar day of an instant in a time zone, as `2026-11-22`. The month is its first seven
    characters.

    The day an amount counts in is fixed when the money is reserved, so a job that ends after midnight still
    counts in the day that admitted it.
    """
    return datetime.fromtimestamp(now_ms / 1000, tz=UTC).astimezone(ZoneInfo(timezone)).date().isoformat()


def periods_of(day: str) -> tuple[str, str, str]:
    """The periods an amount of that day counts in: total, month, day."""
    return ("total", day[:7], day)


def period_of(window: str, day: str) -> str:
    """The period that a window (total, month, day) means on that day."""
    return {"total": "total", "month": day[:7], "day": day}[window]


def headroom(cap_micros: int, spent_micros: int, held_micros: int, refund_due_micros: int) -> int:
    """What may still be reserved; never negative, also when a cap was lowered below what is already spent."""
    return max(0, cap_micros - spent_micros - held_micros - refund_due_micros)
