"""Lanes: jobs of one run that are priced alike, with the pauses and the caps over them. Only this module
decides what may run.

The next job of a lane may run when no pause is in force over the account, its model, its campaign or its run,
and when its price fits under every cap over it. The claim takes from such lanes, a draining worker waits for
them, and `stops` describes what stops the others.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, select

from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause, finished
from orchestrator.store.claiming.lane import Lane
from orchestrator.store.claiming.lane_parts import in_parts
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_NEEDS,
    JOB_READY,
    JOB_WAITING,
    LANE_OPEN,
    RUN_PATH,
    Scope,
    campaigns,
    jobs,
    lanes,
    runs,
)
from orchestrator.store.money import ledger
from orchestrator.store.money.caps import Cap, caps_in_force
from orchestrator.store.runs import gates

NAMED_MAX: Final = 500
"""The caps of up to this many campaigns or runs are read by id; above it, all caps are read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Every pause and every cap in force."""

    pauses: Sequence[Pause]
    caps: Sequence[Cap]


def rules_in_force(tx: Tx, day: str) -> Rules:
    """Read all of them; `day` decides which period of a cap is the current one."""
    return Rules(pauses.in_force(tx), caps_in_force(tx, day))


def unpaused_lanes(tx: Tx, day: str, run_ids: Collection[int] | None) -> list[Lane]:
    """Open lanes of the given runs (None: of all) that no pause covers, by priority, with their caps."""
    query = _OPEN if run_ids is None else _OPEN.where(lanes.c.run_id.in_(list(run_ids)))
    found = [_lane(row) for row in tx.conn.execute(query)]
    _add_pauses(found, pauses.in_force(tx), tx.now)
    free = in_parts(tx, [lane for lane in found if not lane.pauses])
    _add_caps(free, _caps_about(tx, day, free))
    return free


def pending_lanes(
    tx: Tx,
    day: str,
    run_ids: Collection[int] | None = None,
    *,
    rules: Rules | None = None,
    only_round: int | None = None,
) -> list[Lane]:
    """Lanes of the given runs (None: of all) that have jobs of a round (None: of any) ready or due later,
    with their pauses and caps; `rules` are given when they were read already.
    """
    values: dict[str, Any] = {} if run_ids is None else {"runs": list(run_ids)}
    values |= {} if only_round is None else {"round": only_round}
    query = _pending(run_ids is None, only_round is None)
    found = [_lane(row, ready=row.ready) for row in tx.conn.execute(query, values)]
    found = in_parts(tx, found, only_round=only_round)
    _add_gates(tx, found)
    _add_pauses(found, rules.pauses if rules else pauses.in_force(tx), tx.now)
    _add_caps(found, rules.caps if rules else _caps_about(tx, day, found))
    return found


def blocked_lanes(tx: Tx, rules: Rules, besides: Collection[int]) -> list[Lane]:
    """Lanes besides these in which jobs wait for the pictures of others, with their pauses and caps."""
    rows = tx.conn.execute(_BLOCKED)
    found = [_lane(row, ready=False) for row in rows if row.id not in besides]
    _add_gates(tx, found)
    _add_pauses(found, rules.pauses, tx.now)
    _add_caps(found, rules.caps)
    return found


def lane_of_job(tx: Tx, day: str, job_id: int) -> Lane:
    """The lane of an existing job, with its pauses and caps."""
    row = tx.conn.execute(_OF_JOB, {"job": job_id}).one()
    found = [_lane(row, ready=row.ready)]
    found = in_parts(tx, found, job_id=job_id)
    _add_pauses(found, pauses.in_force(tx), tx.now)
    _add_caps(found, _caps_about(tx, day, found))
    return found[0]


def _lane(row: Any, *, ready: bool = True) -> Lane:
    return Lane(
        id=row.id,
        run_id=row.run_id,
        run=row.run,
        campaign_id=row.campaign_id,
        model=row.model,
        price_digest=row.price_digest,
        list_micros=row.list_micros,
        price_micros=row.price_micros,
        priority=row.priority,
        weight=row.weight,
        served=row.served,
        ready=ready,
        gated=row.gated,
        finish_by=row.finish_by,
        chained=row.chain_reserved,
    )


def _add_gates(tx: Tx, found: Sequence[Lane]) -> None:
    gated = {lane.run_id for lane in found if lane.gated}
    unfinished = gates.behind(tx, gated) if gated else {}
    for lane in found if unfinished else ():
        canaries = unfinished.get(lane.run_id)
        lane.behind = lane.gated and canaries is not None and lane.id not in canaries


def _add_pauses(found: Sequence[Lane], in_force: Iterable[Pause], now: int) -> None:
    for lane in found:
        if lane.finish_by is not None and lane.finish_by <= now:
            lane.pauses = [finished(lane.run_id, lane.finish_by)]
    over: dict[tuple[str, str], list[Pause]] = {}
    for pause in in_force:
        over.setdefault((pause.scope, pause.name), []).append(pause)
    for lane in found if over else ():
        scopes = (
            ("account", ""),
            ("model", lane.model),
            ("campaign", str(lane.campaign_id)),
            ("run", str(lane.run_id)),
        )
        covering = [*lane.pauses, *(pause for scope in scopes for pause in over.get(scope, ()))]
        lane.pauses = sorted(covering, key=lambda pause: pause.since or 0)


def _add_caps(found: Iterable[Lane], caps: Iterable[Cap]) -> None:
    over: dict[tuple[Scope, int], list[Cap]] = {}
    for cap in caps:
        over.setdefault((cap.scope, cap.scope_id), []).append(cap)
    for lane in found if over else ():
        lane.caps = [
            *over.get((Scope.ACCOUNT, ledger.ACCOUNT_ID), ()),
            *over.get((Scope.CAMPAIGN, lane.campaign_id), ()),
            *over.get((Scope.RUN, lane.run_id), ()),
        ]


def _caps_about(tx: Tx, day: str, found: Sequence[Lane]) -> list[Cap]:
    if not found:
        return []
    campaign_ids, run_ids = (
        ids if len(ids) <= NAMED_MAX else None
        for ids in ({lane.campaign_id for lane in found}, {lane.run_id for lane in found})
    )
    return caps_in_force(tx, day, campaign_ids=campaign_ids, run_ids=run_ids)


@cache
def _pending(everywhere: bool, any_round: bool) -> Select[Any]:
    waiting = select(jobs.c.lane_id).where(JOB_WAITING, jobs.c.due_at.is_not(None)).distinct()
    ready = _IS_READY
    if not any_round:
        its = jobs.c.round == bindparam("round")
        waiting = waiting.where(its)
        ready = ~lanes.c.idle & exists().where(jobs.c.lane_id == lanes.c.id, JOB_READY, its).correlate(lanes)
    query = _LANES.add_columns(ready.label("ready")).where(ready | lanes.c.id.in_(waiting))
    query = query.order_by(lanes.c.run_id, lanes.c.price_micros, lanes.c.id)
    return query if everywhere else query.where(lanes.c.run_id.in_(bindparam("runs", expanding=True)))


_LANES: Final = (
    select(
        lanes.c.id,
        lanes.c.run_id,
        lanes.c.price_digest,
        lanes.c.list_micros,
        lanes.c.price_micros,
        lanes.c.priority,
        runs.c.campaign_id,
        runs.c.model,
        runs.c.finish_by,
        runs.c.chain_reserved,
        campaigns.c.weight,
        campaigns.c.served,
        RUN_PATH.label("run"),
        runs.c.gate_closed_at.is_not(None).label("gated"),
    )
    .join_from(lanes, runs)
    .join(campaigns)
)
_IS_READY: Final = ~lanes.c.idle & exists().where(jobs.c.lane_id == lanes.c.id, JOB_READY).correlate(lanes)
_BLOCKED: Final = _LANES.where(
    lanes.c.id.in_(select(jobs.c.lane_id).where(JOB_WAITING, JOB_NEEDS, jobs.c.due_at.is_(None)))
).order_by(lanes.c.id)
_OPEN: Final = _LANES.where(LANE_OPEN).order_by(lanes.c.priority.desc(), lanes.c.id)
_OF_JOB: Final = _LANES.add_columns(_IS_READY.label("ready")).where(
    lanes.c.id == select(jobs.c.lane_id).where(jobs.c.id == bindparam("job")).scalar_subquery()
)
