"""What is read of a job that is to be made once more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select

from orchestrator.core.paths import COPY_FIRST
from orchestrator.core.sending import lacks_picture
from orchestrator.core.specs import PICTURE, JobSpec, LocalImage, Needs
from orchestrator.core.states import JobState
from orchestrator.store.db import dialect
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs, lanes, outputs, runs


@dataclass(frozen=True, slots=True)
class RedoSource:
    """A job that is to be made once more."""

    job_id: int
    run_id: int
    model: str
    key: str
    ordinal: int
    variation: int
    round: int
    state: JobState
    reason: str | None
    verdict: str | None
    images: int
    params: dict[str, Any]
    local_images: dict[str, dict[str, Any]]
    tags: dict[str, str]
    axes: tuple[tuple[str, str], ...]
    product: str | None  # what its pictures show; None of a job that was made before that was kept
    covered: str | None  # the axis whose values take turns in its run; None: the outermost
    digest: str  # of the inputs that decide its price
    lane_micros: int  # what its lane holds for one job
    list_micros: int  # the catalogue's price of it
    clean_paths: Mapping[int, str]  # by the index of the output, copies among them
    tries: tuple[int, ...] = ()  # jobs that are a further try of it, and wait, run or have succeeded
    stage: str = ""
    reused_from: int | None = None
    needs: Needs | None = None  # the picture of another job that it takes: another try takes it as it is then

    @property
    def own_images(self) -> dict[str, LocalImage]:
        """Its input pictures that lie on the disk, but for the one that it takes from another job."""
        images = self.local_images.items()
        return {written: LocalImage(**image) for written, image in images if written != PICTURE}

    @property
    def has_lost_source(self) -> bool:
        """Whether it was made of the picture of a job that is not known here."""
        return self.needs is None and lacks_picture(self.params)

    def same_again(self, revisions: Mapping[str, int]) -> JobSpec:
        """The same once more, without key and paths: it was checked and priced when it was made. It is made
        by the model of now: `revisions` are by model id, and one that is not named has its first.
        """
        return JobSpec(
            key="",
            ordinal=self.ordinal,
            variation=self.variation,
            params=self.params,
            local_images=self.own_images,
            price_micros=self.list_micros,
            images=self.images,
            output_paths=(),
            tags=self.tags,
            price_digest=self.digest,
            axes=self.axes,
            stage=self.stage,
            needs=self.needs,
            model_revision=revisions.get(self.model, 1),
        )


def sources(tx: Tx, job_ids: Sequence[int], *, locked: bool = False) -> dict[int, RedoSource]:
    """What is known of these jobs, by id; unknown ones are left out. `locked` keeps the finished ones from
    being retried until the transaction ends.
    """
    found: dict[int, RedoSource] = {}
    for chunk in chunks(list(job_ids)):
        ids = {"ids": chunk}
        if locked:
            tx.conn.execute(dialect.lock_rows(tx.conn, _FINISHED), ids).all()
        clean = _clean_paths(tx, chunk)
        tries: dict[int, tuple[int, ...]] = {}
        for row in tx.conn.execute(_TRIES, ids):
            tries[row.redo_of] = (*tries.get(row.redo_of, ()), row.id)
        for row in tx.conn.execute(_SOURCES, ids):
            found[row.id] = _source(row, clean.get(row.id, {}), tries.get(row.id, ()))
    return found


def _source(row: Any, clean_paths: Mapping[int, str], tries: tuple[int, ...]) -> RedoSource:
    return RedoSource(
        job_id=row.id,
        run_id=row.run_id,
        model=row.model,
        key=row.key,
        ordinal=row.ordinal,
        variation=row.variation,
        round=row.round,
        state=JobState(row.state),
        reason=row.reason,
        verdict=row.verdict,
        images=row.images,
        params=row.params,
        local_images=row.local_images or {},
        tags=row.tags,
        axes=tuple((name, label) for name, label in row.axes or ()),
        product=row.product,
        covered=(row.settings or {}).get("cover"),
        digest=row.price_digest,
        lane_micros=row.lane_micros,
        list_micros=row.list_micros,
        clean_paths=clean_paths,
        tries=tries,
        stage=row.stage or "",
        reused_from=row.reused_from,
        needs=None
        if row.needs_key is None
        else Needs(row.needs_key, row.needs_index, accepted=bool(row.needs_accepted)),
    )


def lane_prices(tx: Tx, run_id: int, digests: Iterable[str]) -> dict[str, int]:
    """What the lanes of a run hold for one job, by what decides its price; those that exist."""
    wanted = {"run": run_id, "digests": list(digests)}
    return {row.price_digest: row.price_micros for row in tx.conn.execute(_LANES, wanted)}


def _clean_paths(tx: Tx, job_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """The clean names of the pictures that each job is to have, and of their copies."""
    found: dict[int, dict[int, str]] = {}
    for row in tx.conn.execute(_CLEAN, {"ids": job_ids}):
        if row.idx < row.images or row.idx >= COPY_FIRST:
            found.setdefault(row.job_id, {})[row.idx] = row.clean_path or row.path
    return found


_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_FINISHED: Final = (
    select(jobs.c.id)
    .where(jobs.c.id.in_(_IDS), jobs.c.state.in_([JobState.SUCCEEDED.value, JobState.FAILED.value]))
    .order_by(jobs.c.id)
)
_NEEDED: Final = jobs.alias("needed")
_SOURCES: Final = (
    select(
        jobs,
        runs.c.model,
        runs.c.settings,
        lanes.c.price_digest,
        lanes.c.price_micros.label("lane_micros"),
        lanes.c.list_micros,
        job_specs.c.params,
        job_specs.c.local_images,
        job_specs.c.tags,
        job_specs.c.axes,
        job_specs.c.product,
        job_specs.c.stage,
        _NEEDED.c.key.label("needs_key"),
    )
    .join_from(jobs, runs, runs.c.id == jobs.c.run_id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .join(job_specs, job_specs.c.job_id == jobs.c.id)
    .outerjoin(_NEEDED, _NEEDED.c.id == jobs.c.needs_job)
    .where(jobs.c.id.in_(_IDS))
)
_TRIES: Final = (
    select(jobs.c.redo_of, jobs.c.id)
    .where(jobs.c.redo_of.in_(_IDS), jobs.c.state.not_in([JobState.FAILED.value, JobState.CANCELLED.value]))
    .order_by(jobs.c.id)
)
_CLEAN: Final = (
    select(outputs.c.job_id, outputs.c.idx, outputs.c.path, outputs.c.clean_path, jobs.c.images)
    .join_from(outputs, jobs, jobs.c.id == outputs.c.job_id)
    .where(outputs.c.job_id.in_(_IDS))
)
_LANES: Final = select(lanes.c.price_digest, lanes.c.price_micros).where(
    lanes.c.run_id == bindparam("run"), lanes.c.price_digest.in_(bindparam("digests", expanding=True))
)
