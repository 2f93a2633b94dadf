"""Paid results that the provider soon deletes: what is not stored by then is lost."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, RUN_PATH, attempts, campaigns, runs

NEAR_MS: Final = 2 * 86_400_000
"""So long before the provider's retention ends, a result that is not stored is at risk."""


@dataclass(frozen=True, slots=True)
class ExpiringRun:
    """A run some of whose paid results are at risk."""

    run_id: int
    campaign: str
    run: str  # campaign/name/run
    tasks: int
    in_doubt: int  # of them: tasks that may exist, whose trace in the provider's list ends then
    first_at: int  # ms: from then on the provider may have deleted the first

    def words(self, now: int) -> str:
        """For people, without a name."""
        hours, minutes = divmod(max(0, self.first_at - now) // 60_000, 60)
        tasks = "1 paid task is" if self.tasks == 1 else f"{self.tasks} paid tasks are"
        left = "may be deleted already" if self.first_at <= now else f"{hours} h {minutes} min left"
        return f"{tasks} not stored, and the provider deletes results after 7 days: {left}"


def expiring(tx: Tx) -> list[ExpiringRun]:
    """The runs with results at risk, the most urgent first."""
    rows = tx.conn.execute(_EXPIRING, {"before": tx.now - RETENTION_MS + NEAR_MS})
    return [
        ExpiringRun(
            run_id=row.run_id,
            campaign=row.campaign,
            run=row.run,
            tasks=row.tasks,
            in_doubt=row.doubts,
            first_at=row.since + RETENTION_MS,
        )
        for row in rows
    ]


_SINCE: Final = func.coalesce(attempts.c.completed_at, attempts.c.accepted_at, attempts.c.doubted_at)
_EXPIRING: Final = (
    select(
        attempts.c.run_id,
        campaigns.c.name.label("campaign"),
        RUN_PATH.label("run"),
        func.count().label("tasks"),
        func.count().filter(attempts.c.state == AttemptState.IN_DOUBT.value).label("doubts"),
        func.min(_SINCE).label("since"),
    )
    .select_from(attempts)
    .join(runs, runs.c.id == attempts.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(ATTEMPT_IS_LIVE, _SINCE.is_not(None), bindparam("before") >= _SINCE)
    .group_by(attempts.c.run_id, campaigns.c.name, RUN_PATH)
    .order_by(func.min(_SINCE))
)
