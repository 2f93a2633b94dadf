"""What to type so that the waiting jobs of some runs are made: a worker, or what ends the stop over them."""

from collections.abc import Collection
from typing import Final

from orchestrator.cli.invocation import Step
from orchestrator.cli.rendering.remedies import remedies
from orchestrator.core.budget import day_of
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.db.database import Tx
from orchestrator.store.stops.stops import stops_over

DRAIN: Final = "orchestrator work --drain"


def onward(tx: Tx, timezone: str, run_ids: Collection[int], *, words: str) -> list[Step]:
    """A worker, in these words, unless nothing of the runs could be claimed: then what a person types for
    that, of each stop once. `timezone`: of the days of caps.
    """
    waiting = pending_lanes(tx, day_of(tx.now, timezone), run_ids)
    if not any(lane.movable for lane in waiting):
        stops = dict.fromkeys(stop for lane in waiting for stop in stops_over(tx, lane))
        if found := remedies(stops):
            return found
    return [(DRAIN, words)]
