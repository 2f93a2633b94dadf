"""What the database knows of an attempt that a worker holds, from its claim until its pictures are fetched.

Every way in which a worker gets an attempt builds it here: a claim, the recovery of a claim whose answer was
lost, a lease that is taken over, and a doubt that is resolved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import select

from orchestrator.core.states import AttemptState
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import ATTEMPT_IS_LIVE, attempts, job_specs, jobs, lanes, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAttempt:
    """An attempt that a worker holds; built by keyword, because its first fields are all of one type."""

    attempt_id: int
    job_id: int
    run_id: int
    epoch: int  # each write of the worker names it, and is late after another worker has raised it
    number: int  # which attempt of its job this is
    state: AttemptState
    token: str
    model: str
    images: int
    price_micros: int  # what it holds
    list_micros: int  # the catalogue's price
    lane_id: int
    price_digest: str  # of the inputs that decide the price
    params: dict[str, Any]
    local_images: dict[str, Any]
    prediction_id: str = ""  # empty until the provider has accepted it, like the next two
    accepted_at: int = 0  # ms
    inference_ms: int | None = None
    overdue: bool = False  # a person was told that its task is far older than its model's

    @property
    def sends_only_uploads(self) -> bool:
        """Whether we host every input picture, so that one that cannot be fetched is our fault."""
        lists = [value for value in self.params.values() if isinstance(value, list)]
        pictures = [item for items in lists for item in items if isinstance(item, str)]
        return bool(self.local_images) and all(item in self.local_images for item in pictures)

    def accepted(self, *, epoch: int, prediction_id: str, accepted_at: int) -> "HeldAttempt":
        """The same attempt in flight with that prediction."""
        return replace(
            self,
            state=AttemptState.IN_FLIGHT,
            epoch=epoch,
            prediction_id=prediction_id,
            accepted_at=accepted_at,
        )


def held_attempt(row: Mapping[Any, Any]) -> HeldAttempt:
    """Build it from the columns of `HELD_ATTEMPTS`, whether read or about to be written."""
    return HeldAttempt(
        attempt_id=row["id"],
        job_id=row["job_id"],
        run_id=row["run_id"],
        epoch=row["epoch"],
        number=row["number"],
        state=AttemptState(row["state"]),
        token=row["token"],
        model=row["model"],
        images=row["images"],
        price_micros=row["price_micros"],
        list_micros=row["list_micros"],
        lane_id=row["lane_id"],
        price_digest=row["price_digest"],
        params=row["params"],
        local_images=row["local_images"],
        prediction_id=row["prediction_id"] or "",
        accepted_at=row["accepted_at"] or 0,
        inference_ms=row["inference_ms"],
        overdue=row["overdue_at"] is not None,
    )


def held_by(tx: Tx, worker: str, attempt_ids: Sequence[int]) -> list[HeldAttempt]:
    """Those of these attempts that the worker holds now, by id; another may have taken some over since."""
    is_its = (attempts.c.id.in_(attempt_ids), attempts.c.worker == worker)
    query = HELD_ATTEMPTS.where(*is_its).order_by(attempts.c.id)
    return [held_attempt(row) for row in tx.conn.execute(query).mappings()]


def under_way(tx: Tx) -> list[HeldAttempt]:
    """The attempts of all workers whose tasks are at the provider."""
    query = HELD_ATTEMPTS.where(ATTEMPT_IS_LIVE, attempts.c.prediction_id.is_not(None))
    return [held_attempt(row) for row in tx.conn.execute(query.order_by(attempts.c.id)).mappings()]


HELD_ATTEMPTS: Final = (
    select(
        attempts.c.id,
        attempts.c.job_id,
        attempts.c.run_id,
        attempts.c.epoch,
        attempts.c.number,
        attempts.c.state,
        attempts.c.token,
        attempts.c.price_micros,
        attempts.c.prediction_id,
        attempts.c.accepted_at,
        attempts.c.inference_ms,
        attempts.c.overdue_at,
        runs.c.model,
        jobs.c.images,
        jobs.c.lane_id,
        lanes.c.price_digest,
        lanes.c.list_micros,
        job_specs.c.params,
        job_specs.c.local_images,
    )
    .join_from(attempts, runs)
    .join(jobs, jobs.c.id == attempts.c.job_id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .join(job_specs, job_specs.c.job_id == attempts.c.job_id)
)
