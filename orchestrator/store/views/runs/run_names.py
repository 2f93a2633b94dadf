"""Names of runs, for what is grouped by them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, runs


@dataclass(frozen=True, slots=True)
class RunName:
    """What a run is called."""

    campaign: str
    path: str  # campaign/name/run
    model: str


def run_names(tx: Tx) -> dict[int, RunName]:
    """Every run by its id."""
    return {
        row.id: RunName(row.campaign, f"{row.campaign}/{row.name}/{row.run_key}", row.model)
        for row in tx.conn.execute(_NAMES)
    }


_NAMES: Final = select(
    runs.c.id, runs.c.name, runs.c.run_key, runs.c.model, campaigns.c.name.label("campaign")
).join_from(runs, campaigns)
