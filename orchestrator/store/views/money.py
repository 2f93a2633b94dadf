"""Caps and what counts against them now, and what is stopped and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, select, text

from orchestrator.core import budget
from orchestrator.core.money import format_usd
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window, attempts
from orchestrator.store.db.schema import balances as balance_table
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import lanes as lane_table
from orchestrator.store.db.schema import pauses as pause_table
from orchestrator.store.db.schema import runs as run_table

ACCOUNT_ID: Final = 0


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One cap in its current period; money in micros. `held_micros` includes refunds that are due."""

    scope: str  # account | campaign | run
    scope_id: int
    name: str  # "account", the campaign's name, or campaign/name/run
    window: str  # total | month | day
    cap_micros: int
    spent_micros: int
    held_micros: int
    source: str = "config"  # manifest | config | operator

    @property
    def remaining_micros(self) -> int:
        """What may still be reserved."""
        return budget.headroom(
            cap_micros=self.cap_micros,
            spent_micros=self.spent_micros,
            held_micros=self.held_micros,
            refund_due_micros=0,
        )

    @property
    def words(self) -> str:
        """The cap in words, such as `the day cap of campaign summer-sale ($50.00)`."""
        owner = "the account" if self.scope == Scope.ACCOUNT else f"{self.scope} {self.name}"
        window = "cap" if self.window == Window.TOTAL else f"{self.window} cap"
        return f"the {window} of {owner} (${format_usd(self.cap_micros)})"


@dataclass(frozen=True, slots=True)
class StoppedRow:
    """Something that will not go on by itself, or only later."""

    scope: str  # "account", "campaign NAME", "run CAMPAIGN/NAME/RUN" or "model ID"
    kind: str  # account | campaign | run | model
    name: str  # campaign id, run id or model id as text; empty for the account
    reason: str  # one machine word; "budget" when no cap admits the next job
    message: str
    since: int
    until: int | None
    cap: BudgetRow | None = None  # with reason "budget": the one that has too little left


@dataclass(frozen=True, slots=True)
class LaneStop:
    """Ready jobs of one run and price that a cap does not admit."""

    run_id: int
    price_micros: int
    blocker: BudgetRow


def budgets(tx: Tx, timezone: str) -> list[BudgetRow]:
    """Every cap with its current period's money, account first. `timezone` decides when a day begins."""
    day = budget.day_of(tx.now, timezone)
    query = select(budget_table).order_by(
        budget_table.c.scope, budget_table.c.scope_id, budget_table.c.window
    )
    caps = tx.conn.execute(query).all()
    names = _names(tx, caps)
    rows = []
    for cap in caps:
        period = budget.period_of(cap.window, day)
        spent, held = balance(tx=tx, scope=cap.scope, scope_id=cap.scope_id, period=period)
        name = names.get((cap.scope, cap.scope_id), "account")
        rows.append(
            BudgetRow(
                scope=cap.scope,
                scope_id=cap.scope_id,
                name=name,
                window=cap.window,
                cap_micros=cap.cap_micros,
                spent_micros=spent,
                held_micros=held,
                source=cap.source,
            )
        )
    return rows


def balance(tx: Tx, scope: str, scope_id: int, period: str) -> tuple[int, int]:
    """Spent, and held including refunds that are due, of one scope in one period."""
    row = tx.conn.execute(
        select(balance_table).where(
            and_(
                balance_table.c.scope == scope,
                balance_table.c.scope_id == scope_id,
                balance_table.c.period == period,
            )
        )
    ).one_or_none()
    return (0, 0) if row is None else (row.spent_micros, row.held_micros + row.refund_due_micros)


def stopped(tx: Tx, caps: Iterable[BudgetRow]) -> list[StoppedRow]:
    """Every pause in force, then every run whose next job no cap admits."""
    query = select(pause_table).where((pause_table.c.until.is_(None)) | (pause_table.c.until > tx.now))
    rows = tx.conn.execute(query.order_by(pause_table.c.since, pause_table.c.scope, pause_table.c.name)).all()
    found = [
        StoppedRow(
            scope=_pause_scope(tx, row.scope, row.name),
            kind=row.scope,
            name=row.name,
            reason=row.reason,
            message=row.message,
            since=row.since,
            until=row.until,
        )
        for row in rows
    ]
    since = last_admitted_at(tx)
    blockers: dict[int, LaneStop] = {}
    for stop in lane_stops(tx, caps):
        blockers.setdefault(stop.run_id, stop)
    for run_id, stop in blockers.items():
        message = f"{stop.blocker.words} has ${format_usd(stop.blocker.remaining_micros)} left; the next job costs ${format_usd(stop.price_micros)}"
        found.append(
            StoppedRow(
                scope=f"run {run_name(tx, run_id)}",
                kind="run",
                name=str(run_id),
                reason="budget",
                message=message,
                since=since or tx.now,
                until=None,
                cap=stop.blocker,
            )
        )
    return found


def lane_stops(tx: Tx, caps: Iterable[BudgetRow]) -> list[LaneStop]:
    """Lanes with pending jobs whose price is more than some cap has left; the tightest cap is named."""
    by_scope: dict[tuple[str, int], list[BudgetRow]] = {}
    for cap in caps:
        by_scope.setdefault((cap.scope, cap.scope_id), []).append(cap)
    if not by_scope:
        return []
    waiting = (
        select(job_table.c.id)
        .where(job_table.c.lane_id == lane_table.c.id)
        .where(text("jobs.queue = 'ready'"))
        .limit(1)
        .exists()
    )
    query = (
        select(lane_table.c.run_id, lane_table.c.price_micros, run_table.c.campaign_id)
        .join(run_table, run_table.c.id == lane_table.c.run_id)
        .where(waiting)
        .order_by(lane_table.c.run_id, lane_table.c.price_micros)
    )
    stops = []
    for lane in tx.conn.execute(query):
        scopes = ((Scope.ACCOUNT, ACCOUNT_ID), (Scope.CAMPAIGN, lane.campaign_id), (Scope.RUN, lane.run_id))
        relevant = [cap for scope in scopes for cap in by_scope.get(scope, ())]
        tightest = min(relevant, key=lambda cap: cap.remaining_micros, default=None)
        if tightest is not None and tightest.remaining_micros < lane.price_micros:
            stops.append(LaneStop(lane.run_id, lane.price_micros, tightest))
    return stops


def run_name(tx: Tx, run_id: int) -> str:
    """`campaign/name/run` of a run."""
    row = tx.conn.execute(
        select(campaign_table.c.name.label("campaign"), run_table.c.name, run_table.c.run_key)
        .join(campaign_table, campaign_table.c.id == run_table.c.campaign_id)
        .where(run_table.c.id == run_id)
    ).one_or_none()
    return str(run_id) if row is None else f"{row.campaign}/{row.name}/{row.run_key}"


def _names(tx: Tx, caps: Iterable[object]) -> dict[tuple[str, int], str]:
    names: dict[tuple[str, int], str] = {}
    for cap in caps:
        scope, scope_id = cap.scope, cap.scope_id  # type: ignore[attr-defined]
        if scope == Scope.CAMPAIGN:
            name = tx.conn.execute(
                select(campaign_table.c.name).where(campaign_table.c.id == scope_id)
            ).scalar()
            names[scope, scope_id] = str(name or scope_id)
        elif scope == Scope.RUN:
            names[scope, scope_id] = run_name(tx, scope_id)
    return names


def _pause_scope(tx: Tx, scope: str, name: str) -> str:
    if scope == "campaign":
        found = tx.conn.execute(
            select(campaign_table.c.name).where(campaign_table.c.id == int(name))
        ).scalar()
        return f"campaign {found or name}"
    if scope == "run":
        return f"run {run_name(tx, int(name))}"
    return scope if not name else f"{scope} {name}"


def last_admitted_at(tx: Tx) -> int | None:
    """When the newest attempt was claimed: since then nothing was admitted."""
    return tx.conn.execute(select(attempts.c.leased_at).order_by(attempts.c.id.desc()).limit(1)).scalar()
