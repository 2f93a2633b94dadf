"""Campaigns as they are listed, with their jobs and money."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from orchestrator.store.account import pauses
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, balances
from orchestrator.store.db.schema import campaigns as campaign_table
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.views.runs.overview import counts_by_state, no_jobs


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One campaign; money in micros. `held_micros` includes refunds that are due."""

    id: int
    name: str
    weight: int  # its fair share, relative to a campaign of weight 1
    runs: int
    jobs: dict[str, int]  # by state
    paused: str | None  # why, when an operator or the program paused it
    spent_micros: int
    held_micros: int
    closed_at: int | None = None  # nothing more is bought for it since then


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
    runs = Counter(owners.values())
    query = (
        select(
            campaign_table,
            balances.c.spent_micros,
            (balances.c.held_micros + balances.c.refund_due_micros).label("held_micros"),
        )
        .outerjoin(
            balances,
            (balances.c.scope == Scope.CAMPAIGN)
            & (balances.c.scope_id == campaign_table.c.id)
            & (balances.c.period == "total"),
        )
        .order_by(campaign_table.c.name)
    )
    return [
        CampaignRow(
            id=row.id,
            name=row.name,
            weight=row.weight,
            runs=runs[row.id],
            jobs=jobs.get(row.id) or no_jobs(),
            paused=paused.get(row.id),
            spent_micros=row.spent_micros or 0,
            held_micros=row.held_micros or 0,
            closed_at=row.closed_at,
        )
        for row in tx.conn.execute(query)
    ]


def campaign_names(tx: Tx) -> list[str]:
    """The names of all campaigns, to suggest one for a misspelt name."""
    return list(tx.conn.execute(select(campaign_table.c.name).order_by(campaign_table.c.name)).scalars())


def _paused(tx: Tx) -> dict[int, str]:
    return {
        int(pause.name): pause.message or pause.reason
        for pause in pauses.in_force(tx)
        if pause.scope == "campaign"
    }
