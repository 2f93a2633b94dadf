"""The bridge from what was booked in a month to what was billed in it: each reason with its sum, and together
the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.store.db.schema import BillEntry
from orchestrator.store.views.money.month_lines import MonthLine, OtherEntries


@dataclass(frozen=True, slots=True)
class BridgeLine:
    """One reason why more (below zero: less) is on the month's bill than in its books; in micros."""

    reason: str  # one machine word
    micros: int


WORDS: Final[Mapping[str, str]] = {
    "charged_elsewhen": "admitted in this month, charged in another",
    "charged_of_other": "charged in this month, admitted in another",
    "refunded_elsewhen": "admitted in this month, paid back in another",
    "refunded_of_other": "paid back in this month, admitted in another (prior period)",
    "unread": "booked, and not on any bill that was read yet",
    "under_way": "charged for tasks that are under way or in doubt",
    "due": "charged for failed tasks whose refund is due",
    "counted_free": "charged, counted as free after the refund window",
    "otherwise": "counted otherwise than the bill says, until somebody agrees",
    "moved_on": "came after this month was closed: in a later statement",
    "prior_period": "of closed months, booked in this one",
    "part": "parts of charges and refunds on other days",
    "other_task": "tasks of other programs on this account",
    "other_charge": "other services on this account",
}
"""What each reason means, in the order in which they are told."""


def bridge_of(
    sums: Sequence[Mapping[str, int]],
    others: Sequence[OtherEntries],
    *,
    moved: Sequence[MonthLine],
    prior: Sequence[MonthLine],
) -> list[BridgeLine]:
    """The reasons that matter. `moved` lines count in the month and came after it was closed, `prior` lines
    came in it and count in closed ones.
    """
    found = {reason: sum(each.get(reason, 0) for each in sums) for reason in WORDS}
    found["moved_on"] = sum(line.spent for line in moved)
    found["prior_period"] = -sum(line.spent for line in prior)
    for each in others:
        found[BillEntry(each.what).value] = each.charged - each.refunded
    return [BridgeLine(reason, micros) for reason, micros in found.items() if micros]
