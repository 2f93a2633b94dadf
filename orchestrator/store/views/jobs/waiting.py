"""Why the waiting jobs of a run do not run now: one word and a sentence for each of its lanes."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core.budget import day_of
from orchestrator.core.money import format_usd
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.database import Tx
from orchestrator.store.stops.stops import BUDGET, stops_over


@dataclass(frozen=True, slots=True)
class LaneWait:
    """What the jobs of a lane wait for."""

    reason: str  # one word: `budget`, or that of a pause
    words: str


def waits(tx: Tx, run_id: int, timezone: str) -> Mapping[int, LaneWait]:
    """By lane; one whose jobs only wait for their turn is not in it."""
    found = {}
    for lane in pending_lanes(tx, day_of(tx.now, timezone), [run_id]):
        stop = next(iter(stops_over(tx, lane)), None)
        if stop is None:
            continue
        if stop.reason == BUDGET and stop.cap is not None:
            words = f"{stop.cap.words} {stop.cap.standing}; this costs ${format_usd(lane.price_micros)}"
        else:
            words = f"{stop.subject} is stopped: {stop.message.rstrip('.')}"
        found[lane.id] = LaneWait(stop.reason, words)
    return found
