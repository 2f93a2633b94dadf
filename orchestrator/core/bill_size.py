"""How large a bill may be beside what was reserved for it: what is believed at once, and what counts until
somebody has looked.

A price may double and a discount may take most of it away: that is a price, and the bill has the last word.
A hundredth or a hundred times is a change of unit or a fault: a bill that small frees no money, and one that
large counts in full unless the account's balance shows that it never left.
"""

from enum import StrEnum
from typing import Final

PLAUSIBLE_FACTOR: Final = 5
"""A bill between a fifth and five times what was held is believed: discounts of up to 80 % and the steps of a
price list lie within, units of money (cents, thousandths) without."""

NEAR_FACTOR: Final = 2
"""Two sums within this factor are the same sum: other programs of the account and records that come late blur
a change of balance, and units differ by far more."""


class Size(StrEnum):
    """What was billed, beside what was held."""

    USUAL = "usual"
    SMALL = "small"  # less than a fifth
    LARGE = "large"  # more than five times


class Basis(StrEnum):
    """What a change of the account's balance shows of an implausible bill."""

    HELD = "held"  # as much left the account as was held: the bill is in another unit
    BILLED = "billed"  # as much left the account as the bill says
    UNKNOWN = "unknown"


def size_of(billed_micros: int, held_micros: int) -> Size:
    """How a bill that shows a charge compares with what was held; one that shows none is as usual."""
    if 0 < billed_micros * PLAUSIBLE_FACTOR < held_micros:
        return Size.SMALL
    return Size.LARGE if billed_micros > held_micros * PLAUSIBLE_FACTOR else Size.USUAL


def charge_that_counts(billed_micros: int, held_micros: int, *, basis: Basis) -> int:
    """The charge to count under the caps until a person has agreed to the bill."""
    size = size_of(billed_micros, held_micros)
    if size is Size.SMALL or (size is Size.LARGE and basis is Basis.HELD):
        return held_micros
    return billed_micros


def kept_of(counted_micros: int, billed_micros: int, refunded_micros: int) -> int:
    """What is kept of a charge that counts as `counted_micros` when so much of `billed_micros` was paid back:
    the same share, rounded up, because both figures of a bill are in one unit.
    """
    left = max(0, billed_micros - refunded_micros)
    return -(-counted_micros * left // billed_micros)


def basis_of(fell_micros: int, by_hold_micros: int, by_bill_micros: int) -> Basis:
    """Which of two sums the account's balance fell by; UNKNOWN when it is neither of them, or both."""
    as_held, as_billed = _near(fell_micros, by_hold_micros), _near(fell_micros, by_bill_micros)
    if as_held == as_billed:
        return Basis.UNKNOWN
    return Basis.HELD if as_held else Basis.BILLED


def drifts(billed_micros: int, held_micros: int, percent: float) -> bool:
    """Whether a charge differs from what was held by more than so many per cent."""
    return abs(billed_micros - held_micros) * 100 > percent * held_micros


def _near(one: int, other: int) -> bool:
    return one > 0 and other > 0 and one <= NEAR_FACTOR * other and other <= NEAR_FACTOR * one
