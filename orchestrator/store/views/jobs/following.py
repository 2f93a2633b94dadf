"""What follows from the pictures of jobs that were just judged: jobs of later stages that wait."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, case, func, select
from sqlalchemy.sql import bindparam

from orchestrator.core.states import JobState
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_NEEDS, job_specs, jobs
from orchestrator.store.runs.chosen_pictures import first_tries


@dataclass(frozen=True, slots=True)
class FollowingStage:
    """How many jobs of a stage wait that take these pictures."""

    stage: str
    ready: int  # have a picture, and may be made now
    lacking: int  # have none


def following(tx: Tx, job_ids: Collection[int]) -> list[FollowingStage]:
    """The stages that take the pictures of these jobs, whichever try of them is the choice, as they wait."""
    counted: dict[str, tuple[int, int]] = {}
    for chunk in chunks(sorted(first_tries(tx, job_ids))):
        for row in tx.conn.execute(_WAITING, {"ids": list(chunk)}):
            ready, lacking = counted.get(row.stage, (0, 0))
            counted[row.stage] = (ready + row.ready, lacking + row.lacking)
    return [FollowingStage(stage or "", *its) for stage, its in counted.items()]


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_POINTING: Final = jobs.alias("pointing")
_LACKS: Final = case((jobs.c.needs_sha256.is_(None), 1), else_=0)
_WAITING: Final = (
    select(
        job_specs.c.stage,
        func.sum(1 - _LACKS).label("ready"),
        func.sum(_LACKS).label("lacking"),
    )
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .where(
        JOB_NEEDS,
        jobs.c.state == JobState.PENDING.value,
        jobs.c.needs_job.in_(_IDS)
        | jobs.c.needs_job.in_(select(_POINTING.c.id).where(_POINTING.c.reused_from.in_(_IDS))),
    )
    .group_by(job_specs.c.stage)
    .order_by(func.min(jobs.c.id))
)
