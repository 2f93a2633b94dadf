"""How many requests may be on their way after replies were lost, so that what was lost can be told apart.

| Since the last loss | On the wire at a time |
|---|---|
| the lost request may still create something, and nothing of it is seen: 3 s at most | none |
| then, for ten seconds | one, and one more with each request that was accepted since |

An account that loses a reply now and then waits for seconds in all: with each round trip the number doubles.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CAREFUL_MS: Final = 10_000
HOLD_MS_MAX: Final = 3_000
APART_MS_MAX: Final = 1_500
"""Windows are kept apart by their own width, as far as that was measured."""


@dataclass(frozen=True, slots=True)
class Care:
    """What the care after a loss goes by."""

    settle_ms: int  # by then the list shows whatever a lost request has created
    width_ms: int  # how much wider a doubt's window is than the time in which its request was under way
    explained: frozenset[int]  # doubts of which a task is seen that they may have created


@dataclass(frozen=True, slots=True)
class Loss:
    """A reply that was lost a while ago (ms)."""

    attempt_id: int
    lost_at: int
    answered_at: int | None  # an answer came that does not tell: nothing was created after that
    is_open: bool  # nobody knows yet what became of it


def held_until(losses: Iterable[Loss], care: Care) -> int:
    """Until when nothing is sent (ms); 0 when nothing holds it back."""
    apart = min(care.width_ms, APART_MS_MAX)
    return max((_closed_at(loss, care) + apart for loss in losses if loss.is_open), default=0)


def may_be_under_way(losses: Iterable[Loss], accepted_since: int, care: Care, now: int) -> int | None:
    """How many requests may be on their way, with those that are; None: as many as the limits allow."""
    recent = [loss for loss in losses if loss.lost_at > now - CAREFUL_MS]
    if not recent:
        return None
    return 0 if now < held_until(recent, care) else 1 + accepted_since


def _closed_at(loss: Loss, care: Care) -> int:
    """When the lost request can have created nothing more, or need not be waited for any longer."""
    if loss.answered_at is not None or loss.attempt_id in care.explained:
        return loss.lost_at
    return loss.lost_at + min(care.settle_ms, HOLD_MS_MAX)
