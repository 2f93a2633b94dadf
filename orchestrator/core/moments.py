"""Moments as people write them: how long ago, or when."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"\s*(\d{1,9})\s*([smhdw])\s*", re.IGNORECASE)


class MomentError(ValueError):
    """The text names no moment."""


def parse_since(text: str, now_ms: int, timezone: str) -> int:
    """The moment in ms that a text names: so long ago (`90s`, `30m`, `2h`, `7d`, `4w`), or a date or a time
    as in RFC 3339, in `timezone` where it has no offset.
    """
    if found := _DURATION.fullmatch(text):
        return now_ms - int(found[1]) * _UNIT_SECONDS[found[2].lower()] * 1000
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise MomentError(
            f"{text!r} is no moment; write how long ago, such as 2h or 7d, or when, such as "
            "2026-11-28 or 2026-11-28T09:00:00Z"
        ) from None


def parse_at(text: str) -> datetime:
    """The date and time that a text names, such as 2026-11-28T02:30; without an offset it is a time on the
    wall, wherever that is.
    """
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise MomentError(
            f"{text!r} is no date and time; write one such as 2026-11-28T02:30, or 2026-11-28T01:30:00Z"
        ) from None


def local_minute(moment: datetime) -> str:
    """A moment on the wall, to the minute; the second pass of an hour that comes twice ends in -2."""
    return moment.strftime("%Y-%m-%dT%H:%M") + ("-2" if moment.fold else "")


def iso_time(at_ms: int) -> str:
    """A moment in ms as RFC 3339 writes it, in UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
