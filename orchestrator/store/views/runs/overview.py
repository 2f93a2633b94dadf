"""The overview: runs, counts by state, money, budgets, and what is stopped.

A million jobs are counted through the index on (run, state); money comes from the running sums in `balances`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select, text

from orchestrator.core.states import AttemptState, JobState
from orchestrator.store.choosing.acceptance import Acceptance, by_run
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LIVE_SQL, Scope, attempts
from orchestrator.store.db.schema import balances as balance_table
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.money.caps import Cap
from orchestrator.store.runs import blocked
from orchestrator.store.runs.blocked import BlockedCounts
from orchestrator.store.stops.attention import attention
from orchestrator.store.stops.stops import Stoppage, rate_stop, survey
from orchestrator.store.views.money.forecasts import MonthForecast, month_forecasts
from orchestrator.store.views.runs.schedules import ScheduleRow, schedule_rows
from orchestrator.store.views.trouble import OpenDoubts, open_doubts

NOT_BLOCKED: Final = BlockedCounts()


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; money in micros. `held_micros` includes refunds that are due."""

    id: int
    campaign: str
    name: str
    run: str
    model: str
    manifest_path: str
    jobs: dict[str, int]  # by state, every state present
    in_doubt: int
    stored: int
    nsfw: int
    spent_micros: int
    held_micros: int
    blocked: BlockedCounts = field(default_factory=BlockedCounts)  # jobs that wait for pictures of others

    @property
    def total(self) -> int:
        """All jobs of the run."""
        return sum(self.jobs.values())


@dataclass(frozen=True, slots=True)
class Overview:
    """What `orchestrator status` shows."""

    runs: Sequence[RunRow] = ()
    caps: Sequence[Cap] = ()
    stops: Sequence[Stoppage] = ()
    doubts: OpenDoubts = field(default_factory=OpenDoubts)
    accepted: Mapping[int, Acceptance] = field(default_factory=dict)  # by run, where there are verdicts
    forecasts: Sequence[MonthForecast] = ()
    schedules: Sequence[ScheduleRow] = ()


def status(tx: Tx, timezone: str) -> Overview:
    """The overview of one consistent snapshot; `timezone` decides when the day of a budget begins."""
    found = survey(tx, timezone)
    waits = rate_stop(tx, found.lanes)
    stops = [*found.stops, *attention(tx), *([waits] if waits else [])]
    return Overview(
        runs(tx),
        found.rules.caps,
        stops,
        doubts=open_doubts(tx),
        accepted=by_run(tx),
        forecasts=month_forecasts(tx, timezone, rules=found.rules, lanes=found.lanes),
        schedules=schedule_rows(tx),
    )


def runs(tx: Tx, run_ids: Sequence[int] | None = None) -> list[RunRow]:
    """Every run, or those given, oldest first."""
    query = (
        select(run_table, campaign_table.c.name.label("campaign"))
        .join(campaign_table, campaign_table.c.id == run_table.c.campaign_id)
        .order_by(run_table.c.id)
    )
    if run_ids is not None:
        query = query.where(run_table.c.id.in_(run_ids))
    counts, doubts = counts_by_state(tx, run_ids), doubts_by_run(tx)
    money, waiting = _money(tx), blocked.of_runs(tx, run_ids)
    found = []
    for row in tx.conn.execute(query):
        spent, held = money.get(row.id, (0, 0))
        found.append(
            RunRow(
                id=row.id,
                campaign=row.campaign,
                name=row.name,
                run=row.run_key,
                model=row.model,
                manifest_path=row.manifest_path,
                jobs=counts.get(row.id) or no_jobs(),
                in_doubt=doubts.get(row.id, 0),
                stored=row.pictures_stored,
                nsfw=row.pictures_flagged,
                spent_micros=spent,
                held_micros=held,
                blocked=waiting.get(row.id, NOT_BLOCKED),
            )
        )
    return found


def no_jobs() -> dict[str, int]:
    """A count of zero for every state."""
    return {state.value: 0 for state in JobState}


def counts_by_state(tx: Tx, run_ids: Sequence[int] | None = None) -> dict[int, dict[str, int]]:
    """Jobs of each run by state; states without jobs are zero."""
    query = select(job_table.c.run_id, job_table.c.state, func.count().label("jobs")).group_by(
        job_table.c.run_id, job_table.c.state
    )
    if run_ids is not None:
        query = query.where(job_table.c.run_id.in_(run_ids))
    counts: dict[int, dict[str, int]] = {}
    for row in tx.conn.execute(query):
        counts.setdefault(row.run_id, no_jobs())[row.state] = row.jobs
    return counts


def doubts_by_run(tx: Tx) -> dict[int, int]:
    """Attempts in doubt of each run that has any; the text of the filter makes the partial index usable."""
    query = (
        select(attempts.c.run_id, func.count().label("attempts"))
        .where(text(f"attempts.{LIVE_SQL}"))
        .where(attempts.c.state == AttemptState.IN_DOUBT)
        .group_by(attempts.c.run_id)
    )
    return {row.run_id: row.attempts for row in tx.conn.execute(query)}


def _money(tx: Tx) -> dict[int, tuple[int, int]]:
    query = select(balance_table).where(balance_table.c.scope == Scope.RUN, balance_table.c.period == "total")
    return {
        row.scope_id: (row.spent_micros, row.held_micros + row.refund_due_micros)
        for row in tx.conn.execute(query)
    }
