"""Values as people read them: money, times, durations, tables, and text that cannot fool a terminal."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from orchestrator.core.money import MICROS_PER_USD, format_usd
from orchestrator.store.money.caps import Cap

_CENT: Final = 10_000
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def usd(micros: int) -> str:
    """`$6.72`; more decimals only when the amount has them."""
    text = format_usd(micros)
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def list_words(of_list: tuple[int, int] | None) -> str:
    """How live prices stand to the list prices, such as ", at 50 % of the list price"; empty where they are
    the same.
    """
    if of_list is None or of_list == (100, 100):
        return ""
    least, most = of_list
    return (
        f", at {least} % of the list price" if least == most else f", at {least} to {most} % of list prices"
    )


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 job`, `1,204 jobs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def rfc3339(ms: int | None) -> str | None:
    """`2026-11-22T13:00:00Z`, with milliseconds only when there are any."""
    if ms is None:
        return None
    seconds, rest = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def duration(seconds: float) -> str:
    """`0.4 s`, `21 s`, `3 min`, `2 h 25 min`, `3 d 4 h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 10:  # noqa: PLR2004 - below ten, tenths matter
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / _HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def size(count_bytes: int) -> str:
    """`812 B`, `20 KB`, `1.4 MB`, `12 GB`."""
    value = float(count_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - decimal units
            is_whole = unit == "B" or value >= 10  # noqa: PLR2004 - two digits are enough
            return f"{value:.0f} {unit}" if is_whole else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def safe(text: str, limit: int | None = None) -> str:
    """One line that shows what is in it: control and bidirectional characters are written as escapes."""
    shown = "".join(char if _harmless(char) else _escape(char) for char in text)
    if limit is not None and len(shown) > limit:
        shown = shown[: max(0, limit - 3)] + "..."
    return shown


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    zero = sum(1 for char in text if unicodedata.combining(char))
    return len(text) + wide - zero


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    """Aligned columns, two spaces apart, without rules; columns in `right` are flushed right."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(width(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            _pad(cell, widths[column], right=column in right) for column, cell in enumerate(line)
        ).rstrip()
        for line in lines
    )


def bar(part: float, columns: int = 10) -> str:
    """`######----` for 0.6."""
    filled = min(columns, max(0, round(part * columns)))
    return "#" * filled + "-" * (columns - filled)


def percent(part: int, whole: int) -> str:
    """`63 %`; 100 % only when it is all, and more when it is more than all."""
    if part > whole > 0:
        return f"{max(101, part * 100 // whole)} %"
    return "100 %" if part >= whole else f"{part * 100 // whole} %"


def left_or_over(cap: Cap) -> str:
    """What a cap has left: `$0.12`, or `over by $0.024` where more counts than it allows."""
    return f"over by {usd(cap.over_micros)}" if cap.over_micros else usd(cap.remaining_micros)


def unit_price(micros: int) -> str:
    """A price with at least three decimals, such as `$0.028`."""
    text = format_usd(micros)
    return f"${text}0" if micros % _CENT == 0 and micros < MICROS_PER_USD else f"${text}"


def _pad(cell: str, columns: int, *, right: bool) -> str:
    filling = " " * (columns - width(cell))
    return filling + cell if right else cell + filling


def _harmless(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _escape(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\u{{{ord(char):x}}}")
