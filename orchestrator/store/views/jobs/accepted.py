"""Pictures that were accepted, with what their hand-over needs to know of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, or_, select

from orchestrator.core.paths import index_and_attempt
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import OutputState, campaigns, job_specs, jobs, outputs, runs, verdicts
from orchestrator.store.views.jobs.walk import PAGE, JobFilter, matching

ACCEPTED: Final = "accepted"


@dataclass(frozen=True, slots=True)
class AcceptedPicture:
    """One picture that somebody accepted, and that is the choice of its cell."""

    job_id: int
    index: int  # within its task
    campaign: str
    name: str
    run: str
    variation: int
    axes: tuple[tuple[str, str], ...]
    tags: dict[str, str]
    path: str  # the clean name, relative to the output root
    stored_path: str  # where it lies, relative to the output root
    sha256: str
    media_type: str
    width: int
    height: int
    nsfw: bool | None
    recipes: dict[str, Any]  # of its manifest
    by: str
    at: int  # ms


def pages(database: Database, wanted: JobFilter) -> Iterator[list[AcceptedPicture]]:
    """Every accepted picture of the jobs, in order of job; each page is a transaction of its own."""
    after = 0
    while True:
        with database.read() as tx:
            ids = _ids(tx, wanted, after)
            page = [_picture(row) for row in tx.conn.execute(_OF_JOBS, {"ids": ids})] if ids else []
        if page:
            yield page
        if len(ids) < PAGE:
            return
        after = ids[-1]


def _ids(tx: Tx, wanted: JobFilter, after: int) -> Sequence[int]:
    query = select(jobs.c.id).where(jobs.c.verdict == ACCEPTED, jobs.c.id > after)
    return list(tx.conn.execute(matching(tx, query, wanted).order_by(jobs.c.id).limit(PAGE)).scalars())


def _picture(row: Any) -> AcceptedPicture:
    index, _ = index_and_attempt(row.idx)
    return AcceptedPicture(
        job_id=row.job_id,
        index=index,
        campaign=row.campaign,
        name=row.name,
        run=row.run_key,
        variation=row.variation,
        axes=tuple((str(axis), str(label)) for axis, label in row.axes or ()),
        tags=row.tags,
        path=row.clean_path or row.path,
        stored_path=row.stored_path,
        sha256=row.sha256,
        media_type=row.media_type,
        width=row.width or 0,
        height=row.height or 0,
        nsfw=row.nsfw,
        recipes=(row.settings or {}).get("recipes", {}),
        by=row.who or "",
        at=row.verdict_at or 0,
    )


_LAST: Final = (
    select(verdicts.c.job_id, func.max(verdicts.c.id).label("id"))
    .where(verdicts.c.job_id.in_(bindparam("ids", expanding=True)))
    .group_by(verdicts.c.job_id)
    .subquery()
)

_OF_JOBS: Final = (
    select(
        outputs,
        jobs.c.variation,
        job_specs.c.axes,
        job_specs.c.tags,
        runs.c.name,
        runs.c.run_key,
        runs.c.settings,
        campaigns.c.name.label("campaign"),
        verdicts.c.who,
        verdicts.c.at.label("verdict_at"),
    )
    .join_from(outputs, jobs)
    .join(job_specs)
    .join(runs, runs.c.id == jobs.c.run_id)
    .join(campaigns)
    .outerjoin(_LAST, _LAST.c.job_id == jobs.c.id)
    .outerjoin(verdicts, verdicts.c.id == _LAST.c.id)
    .where(
        outputs.c.job_id.in_(bindparam("ids", expanding=True)),
        outputs.c.state == OutputState.STORED,
        or_(
            and_(outputs.c.clean_path.is_(None), outputs.c.moving_to.is_(None)),
            outputs.c.moving_to == outputs.c.clean_path,  # it is about to get its name
        ),
    )
    .order_by(outputs.c.job_id, outputs.c.idx)
)
