"""A month's statement: to which month each line of the ledger belongs, and what it says. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class NoMonthError(ValueError):
    """The text names no month."""


def parse_month(text: str) -> str:
    """The month that a text such as `2026-11` names; raises NoMonthError for anything else."""
    found = text.strip()
    if not _MONTH.fullmatch(found) or found.startswith("0000"):
        raise NoMonthError(f"{text!r} is no month; write year and month, such as 2026-11")
    return found


def next_month(month: str) -> str:
    """The month after."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def month_ms(month: str, timezone: str) -> tuple[int, int]:
    """When a month begins and when it is over in a time zone, in ms."""
    return _first_ms(month, timezone), _first_ms(next_month(month), timezone)


def _first_ms(month: str, timezone: str) -> int:
    first = date.fromisoformat(f"{month}-01")
    return int(datetime(first.year, first.month, 1, tzinfo=ZoneInfo(timezone)).timestamp() * 1000)


def month_of(at_ms: int, timezone: str) -> str:
    """The month of an instant in a time zone."""
    local = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(ZoneInfo(timezone))
    return f"{local.year:04d}-{local.month:02d}"


def owner_of_late_line(counted_in: str, came_in: str, line_id: int, closed: Mapping[str, int]) -> str:
    """The month in whose statement a line stands that came after the month it counts in was closed: the one
    it came in, or the first after that which was not closed before it. `closed` holds the last line of the
    ledger with which each month was closed.
    """
    month = max(came_in, next_month(counted_in))
    while closed.get(month, line_id) < line_id:
        month = next_month(month)
    return month


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money of some lines of the ledger, in micros, by what it was."""

    charged: int = 0
    refunded: int = 0
    adjusted: int = 0
    written_off: int = 0
    held_open: int = 0  # held for attempts under way, and refunds that are due

    @property
    def net(self) -> int:
        """What was spent: the sum of the lines."""
        return self.charged - self.refunded + self.adjusted + self.written_off

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(getattr(self, name) + getattr(other, name) for name in _AMOUNTS))

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(getattr(self, name) - getattr(other, name) for name in _AMOUNTS))


_AMOUNTS: Final = ("charged", "refunded", "adjusted", "written_off", "held_open")


def amounts_of(kind: str, *, spent: int, held: int, due: int) -> Amounts:
    """What lines of one kind say. It adds up: of several lines it says what each says.

    A charge whose refund was seen was never spent: it stands under charged and refunded, less what was kept.
    """
    open_micros = held + due
    match kind:
        case "written_off":
            return Amounts(written_off=spent, held_open=open_micros)
        case "adjusted":
            return Amounts(adjusted=spent, held_open=open_micros)
        case "refund_seen":
            return Amounts(charged=-due, refunded=-due - spent, held_open=open_micros)
        case _:
            return Amounts(charged=spent, held_open=open_micros)


def total_of(parts: Iterable[Amounts]) -> Amounts:
    """The sum."""
    whole = Amounts()
    for part in parts:
        whole += part
    return whole


@dataclass(frozen=True, slots=True)
class BalancePoint:
    """What the account had left at a moment, in micros."""

    at: int  # ms
    micros: int


@dataclass(frozen=True, slots=True)
class Equation:
    """Opening balance + top-ups - billed + refunds = closing balance, in micros."""

    opening: int
    top_ups: int
    billed: int
    refunded: int
    closing: int
    read_at: tuple[int, int]  # when the balance was read near both ends, in ms

    @property
    def unexplained(self) -> int:
        """What the account has more (below zero: less) than the equation says."""
        return self.closing - (self.opening + self.top_ups - self.billed + self.refunded)


READING_NEAR_MS: Final = 48 * 3600 * 1000
"""A reading this long before a month begins still tells what it began with, by the bill between them."""


def ends_of(points: Iterable[BalancePoint], start: int, end: int) -> tuple[BalancePoint, BalancePoint] | None:
    """The readings by which a month's opening and closing balance are known; None where there are not two."""
    found = sorted(points, key=lambda point: point.at)
    before = [point for point in found if start - READING_NEAR_MS <= point.at <= start]
    within = [point for point in found if start < point.at < end]
    after = [point for point in found if end <= point.at <= end + READING_NEAR_MS]
    opening = [*before[-1:], *within[:1]]
    closing = [*after[:1], *within[-1:]]
    if not opening or not closing or opening[0] == closing[0]:
        return None
    return opening[0], closing[0]


def rises(points: Iterable[BalancePoint], first: int, last: int) -> list[tuple[BalancePoint, BalancePoint]]:
    """Pairs of neighbours between two moments in which the balance rose: something was paid in, or back."""
    found = sorted((each for each in points if first <= each.at <= last), key=lambda point: point.at)
    return [(one, two) for one, two in pairwise(found) if two.micros > one.micros]
