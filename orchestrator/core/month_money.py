"""What the columns of attempts come to in a month's statement, by how their money stands. Pure.

A database sums each column once for each standing, of which there are few; what the sums mean is said here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Final


class MoneyStanding(IntFlag):
    """How the money of an attempt stands to a month. Without SETTLED, HELD and DUE it was let go."""

    BOOKED = 1  # it counts in the month for the caps
    CHARGED = 2  # the provider charged it in the month
    REFUNDED = 4  # and paid it back in the month
    UNREAD = 8  # no bill of it was read yet
    FAILED = 16
    SETTLED = 32
    HELD = 64
    DUE = 128


@dataclass(frozen=True, slots=True)
class ColumnSums:
    """Columns of attempts of one standing, added up; in micros."""

    attempts: int
    price: int
    cost: int
    billed: int
    refunded: int


MONEY: Final = (
    # booked: what counts in the month for the caps
    "spent",
    "open",
    "failed_paid",
    # billed: what the provider charged and paid back in the month
    "charged",
    "refunded",
    # the bridge from one to the other; its parts come to the difference
    "charged_elsewhen",
    "charged_of_other",
    "refunded_elsewhen",
    "refunded_of_other",
    "unread",
    "under_way",
    "due",
    "counted_free",
    "otherwise",
)
"""What a group of attempts is told by; in micros, but for `failed_paid`, which counts tries."""


def money_of(standing: MoneyStanding, sums: ColumnSums) -> Iterator[tuple[str, int]]:
    """What attempts of one standing add to each name in `MONEY`, where they add to it."""
    booked = MoneyStanding.BOOKED in standing
    if booked:
        yield from _booked(standing, sums)
    if MoneyStanding.CHARGED in standing:
        yield "charged", sums.billed
    if MoneyStanding.REFUNDED in standing:
        yield "refunded", sums.refunded
    if booked is not (MoneyStanding.CHARGED in standing):
        yield ("charged_elsewhen", -sums.billed) if booked else ("charged_of_other", sums.billed)
    if booked is not (MoneyStanding.REFUNDED in standing):
        yield ("refunded_elsewhen", sums.refunded) if booked else ("refunded_of_other", -sums.refunded)


def _booked(standing: MoneyStanding, sums: ColumnSums) -> Iterator[tuple[str, int]]:
    """What counts in the month, and what the bill will say of it in the end beside what it says now."""
    kept = sums.billed - sums.refunded
    yield "spent", sums.cost
    if MoneyStanding.UNREAD in standing:
        yield "unread", -sums.cost
    if MoneyStanding.HELD in standing:
        yield from (("open", sums.price), ("under_way", kept))
    elif MoneyStanding.DUE in standing:
        yield from (("open", sums.price), ("due", kept))
    elif MoneyStanding.SETTLED not in standing:
        yield "counted_free", kept
    elif MoneyStanding.UNREAD not in standing:
        yield "otherwise", kept - sums.cost
    if MoneyStanding.FAILED in standing and MoneyStanding.SETTLED in standing:
        yield "failed_paid", sums.attempts
