"""What can still happen by itself, and what is stopped and why: one rule for draining, `status` and exit
codes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, case, exists, func, select

from orchestrator.core.budget import day_of
from orchestrator.core.money import format_usd
from orchestrator.core.states import AttemptState
from orchestrator.store.account import pauses
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    ATTEMPT_IS_LIVE,
    JOB_READY,
    JOB_WAITING,
    Scope,
    attempts,
    campaigns,
    jobs,
    lanes,
    runs,
)
from orchestrator.store.money.caps import Cap, caps_in_force

BUDGET: Final = "budget"


@dataclass(frozen=True, slots=True)
class Stopped:
    """One reason for which pending jobs do not run."""

    scope: str  # account | campaign | run | model
    name: str  # as people know it; empty for the account
    reason: str
    message: str
    since: int | None
    until: int | None  # ends by itself then


@dataclass(frozen=True, slots=True)
class Outlook:
    """The near future of some runs."""

    live: int  # attempts under way, on any worker, and doubts that evidence may still end
    in_doubt: int  # doubts that wait for an operator
    movable: bool  # some pending job will run by itself, now or when its time comes
    stopped: tuple[Stopped, ...]  # what keeps other pending jobs from running

    @property
    def finished(self) -> bool:
        """Nothing more happens by itself."""
        return not self.live and not self.movable


def outlook(tx: Tx, timezone: str, run_ids: Collection[int] | None = None) -> Outlook:
    """Look at the given runs (None: all)."""
    live, doubted = _attempt_counts(tx, run_ids)
    pending = _pending_lanes(tx, run_ids)
    standing = pauses.in_force(tx)
    caps = caps_in_force(
        tx,
        day_of(tx.now, timezone),
        campaign_ids={lane.campaign_id for lane in pending},
        run_ids={lane.run_id for lane in pending},
    )
    found: dict[tuple[str, str, str], Stopped] = {}
    movable = False
    for lane in pending:
        stops = [*_pauses_over(lane, standing), *_caps_over(lane, caps)]
        movable = movable or all(stop.until is not None for stop in stops)
        found.update({(stop.scope, stop.name, stop.reason + stop.message): stop for stop in stops})
    return Outlook(live=live, in_doubt=doubted, movable=movable, stopped=tuple(found.values()))


def _attempt_counts(tx: Tx, run_ids: Collection[int] | None) -> tuple[int, int]:
    query = _counts_statement(run_ids is None)
    row = tx.conn.execute(query, {} if run_ids is None else {"runs": list(run_ids)}).one()
    return row.number - row.waiting, row.waiting


@cache
def _counts_statement(everywhere: bool) -> Select[Any]:
    waits = (attempts.c.state == AttemptState.IN_DOUBT.value) & (attempts.c.reason == AMBIGUOUS)
    query = (
        select(
            func.count().label("number"),
            func.coalesce(func.sum(case((waits, 1), else_=0)), 0).label("waiting"),
        )
        .select_from(attempts)
        .where(ATTEMPT_IS_LIVE)
    )
    return query if everywhere else query.where(attempts.c.run_id.in_(bindparam("runs", expanding=True)))


def _pending_lanes(tx: Tx, run_ids: Collection[int] | None) -> Sequence[Any]:
    query = _pending_statement(run_ids is None)
    return tx.conn.execute(query, {} if run_ids is None else {"runs": list(run_ids)}).all()


@cache
def _pending_statement(everywhere: bool) -> Select[Any]:
    waiting = select(jobs.c.lane_id).where(JOB_WAITING).distinct()
    ready = exists().where(jobs.c.lane_id == lanes.c.id, JOB_READY)
    query = (
        select(
            lanes.c.id,
            lanes.c.run_id,
            lanes.c.price_micros,
            runs.c.campaign_id,
            runs.c.model,
            runs.c.name.label("run_name"),
            runs.c.run_key,
            campaigns.c.name.label("campaign"),
        )
        .join_from(lanes, runs)
        .join(campaigns)
        .where((~lanes.c.idle & ready) | lanes.c.id.in_(waiting))
        .order_by(lanes.c.id)
    )
    return query if everywhere else query.where(lanes.c.run_id.in_(bindparam("runs", expanding=True)))


def _pauses_over(lane: Any, standing: Sequence[pauses.Pause]) -> list[Stopped]:
    names = {
        "account": ("", ""),
        "model": (lane.model, lane.model),
        "campaign": (str(lane.campaign_id), lane.campaign),
        "run": (str(lane.run_id), f"{lane.campaign}/{lane.run_name} {lane.run_key}"),
    }
    return [
        Stopped(
            scope=pause.scope,
            name=names[pause.scope][1],
            reason=pause.reason,
            message=pause.message,
            since=pause.since,
            until=pause.until,
        )
        for pause in standing
        if names[pause.scope][0] == pause.name
    ]


def _caps_over(lane: Any, caps: Sequence[Cap]) -> list[Stopped]:
    ids = {Scope.ACCOUNT: 0, Scope.CAMPAIGN: lane.campaign_id, Scope.RUN: lane.run_id}
    names = {
        Scope.ACCOUNT: "",
        Scope.CAMPAIGN: lane.campaign,
        Scope.RUN: f"{lane.campaign}/{lane.run_name} {lane.run_key}",
    }
    return [
        Stopped(
            scope=cap.scope.value,
            name=names[cap.scope],
            reason=BUDGET,
            message=_cap_message(cap, names[cap.scope]),
            since=None,
            until=None,
        )
        for cap in caps
        if cap.scope_id == ids[cap.scope] and cap.headroom_micros < lane.price_micros
    ]


def _cap_message(cap: Cap, name: str) -> str:
    held = cap.held_micros + cap.refund_due_micros
    what = f"{cap.scope.value} {name}".strip()
    return (
        f"The {cap.window.value} cap of {what} is ${format_usd(cap.cap_micros)}: "
        f"${format_usd(cap.spent_micros)} spent, ${format_usd(held)} held."
    )
