"""Campaigns: the owners of spend."""

from dataclasses import dataclass

from sqlalchemy import func, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import pauses as pause_table
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.views.money import balance
from orchestrator.store.views.overview import counts_by_state, no_jobs


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One campaign; money in micros. `held_micros` includes refunds that are due."""

    id: int
    name: str
    weight: int  # turns for each of an equal of weight 1
    runs: int
    jobs: dict[str, int]  # by state
    paused: str | None  # why, when an operator or the program paused it
    spent_micros: int
    held_micros: int


def campaigns(tx: Tx) -> list[CampaignRow]:
    """Every campaign, by name."""
    counts = counts_by_state(tx)
    owners = {
        row.id: row.campaign_id for row in tx.conn.execute(select(run_table.c.id, run_table.c.campaign_id))
    }
    jobs: dict[int, dict[str, int]] = {}
    for run_id, states in counts.items():
        totals = jobs.setdefault(owners[run_id], no_jobs())
        for state, count in states.items():
            totals[state] += count
    paused = _paused(tx)
    query = (
        select(campaign_table, func.count(run_table.c.id).label("runs"))
        .outerjoin(run_table, run_table.c.campaign_id == campaign_table.c.id)
        .group_by(campaign_table.c.id)
        .order_by(campaign_table.c.name)
    )
    found = []
    for row in tx.conn.execute(query).all():
        spent, held = balance(tx=tx, scope=Scope.CAMPAIGN, scope_id=row.id, period="total")
        found.append(
            CampaignRow(
                id=row.id,
                name=row.name,
                weight=row.weight,
                runs=row.runs,
                jobs=jobs.get(row.id) or no_jobs(),
                paused=paused.get(row.id),
                spent_micros=spent,
                held_micros=held,
            )
        )
    return found


def campaign_names(tx: Tx) -> list[str]:
    """The names alone, for a did-you-mean."""
    return list(tx.conn.execute(select(campaign_table.c.name).order_by(campaign_table.c.name)).scalars())


def _paused(tx: Tx) -> dict[int, str]:
    query = select(pause_table).where(pause_table.c.scope == "campaign")
    in_force = query.where((pause_table.c.until.is_(None)) | (pause_table.c.until > tx.now))
    return {int(row.name): row.message or row.reason for row in tx.conn.execute(in_force)}
