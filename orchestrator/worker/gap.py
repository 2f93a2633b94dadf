"""Noticing a restored or copied database: the provider lists tasks newer than our last commit that we do not know.

Such a store would pay again for what its other self has paid. It stops spending until `orchestrator reconcile` has
adopted or listed every task of the gap.
"""

from typing import Final

from orchestrator.core.evidence import SKEW_MS
from orchestrator.paging import list_all
from orchestrator.ports import Prediction
from orchestrator.store import bills, doubts, foreign, pauses
from orchestrator.store.runs import models_in_use
from orchestrator.worker.deps import Deps
from orchestrator.worker.troubles import begin_pause

RETENTION_MS: Final = 7 * 86_400_000
"""The provider lists the last seven days."""

UNKNOWN_TASKS: Final = "unknown_tasks"


async def look(deps: Deps) -> str | None:
    """Compare once; pauses the account and returns the reason when there is a gap."""
    if deps.settings.guards.unknown_tasks == "ignore":
        return None
    with deps.database.read() as tx:
        mark, now = bills.last_accepted_at(tx), tx.now
        models = models_in_use(tx)
        if mark is None or doubts.unsettled(tx):
            return None  # nothing to compare with, or lost replies that explain a difference: those are resolved first
    after = max(mark - SKEW_MS, now - RETENTION_MS)
    listing = await list_all(deps.provider, after_ms=after, before_ms=now + SKEW_MS)
    if listing is None:
        return None
    ours = [item for item in listing.predictions.values() if item.model is None or item.model in models]
    with deps.database.read() as tx:
        unknown = foreign.unknown(tx, [item.id for item in ours])
        if doubts.unsettled(tx):
            return (
                None  # another worker is sending right now: its task is listed before its reply is recorded
            )
    if not unknown:
        return None
    message = _message([item for item in ours if item.id in unknown])
    await deps.writer.submit(begin_pause, pauses.Pause("account", "", UNKNOWN_TASKS, message))
    return message


def _message(gap: list[Prediction]) -> str:
    return (
        f"The provider lists {len(gap)} newer task(s) that this database does not know, such as {gap[0].id}. Was it "
        "restored from a backup, or does another copy use the account? Run: orchestrator reconcile"
    )
