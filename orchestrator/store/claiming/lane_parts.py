"""Lanes with what is kept for chains; those of runs that keep it, in parts: what begins and what follows."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.store.claiming import chains
from orchestrator.store.claiming.chains import NOTHING_KEPT, LanePart
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.db.database import Tx


def in_parts(
    tx: Tx, found: Sequence[Lane], *, only_round: int | None = None, job_id: int | None = None
) -> list[Lane]:
    """The lanes, with what is kept for chains; those of runs that keep it as their parts which have jobs, or
    as that of one job.
    """
    kept = chains.kept(tx) if found else NOTHING_KEPT
    chained = {lane.id for lane in found if lane.chained}
    if not chained:
        return [replace(lane, kept=kept) for lane in found] if kept.by_owner else list(found)
    if job_id is not None:
        its = {found[0].id: chains.part_of(tx, job_id)}
    else:
        gated = {lane.id for lane in found if lane.gated}
        its = chains.parts(tx, sorted(chained), gated=gated, only_round=only_round)
    heads = [waiting.head for of in its.values() for part, waiting in of.items() if part is LanePart.FIRST]
    follows = chains.follows(tx, heads)
    return [
        lane
        if part is LanePart.ALL
        else replace(
            lane,
            part=part,
            ready=waiting.ready if waiting else lane.ready,
            kept=NOTHING_KEPT if part is LanePart.FOLLOWING else kept,
            follow_micros=follows.get(waiting.head, 0) if waiting else 0,
        )
        for lane in (each if each.chained else replace(each, kept=kept) for each in found)
        for part, waiting in (its[lane.id].items() if lane.chained else ((LanePart.ALL, None),))
    ]
