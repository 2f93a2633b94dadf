"""New jobs as plain values, encoded once, so that the same text is checked, spooled and inserted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from orchestrator.core.nights import GoodPicture
from orchestrator.core.paths import path_key
from orchestrator.core.products import product_name
from orchestrator.core.specs import JobSpec, LocalImage
from orchestrator.core.states import JOB_TRANSITIONS, JobEvent, step
from orchestrator.core.url_inputs import recorded
from orchestrator.store.db.schema import OutputState, Queue

Row = tuple[Any, ...]
Places = Mapping[str, int]
"""The ids of the jobs of a run that others need, by key."""

NO_PLACES: Final[Places] = MappingProxyType({})
NEEDS_PICTURE: Final = "needs_picture"
"""The reason of a job that waits for the picture of another."""


class NewJob(NamedTuple):
    """One job that will be inserted, with its JSON columns encoded."""

    key: str
    ordinal: int
    variation: int
    round: int
    images: int
    price_micros: int  # list price
    price_digest: str
    params: str
    local_images: str
    tags: str
    axes: str | None
    product: str
    paths: tuple[str, ...]
    clean_paths: tuple[
        str, ...
    ] = ()  # whose names an earlier try of the cell has; empty: `paths` are the clean ones
    latest: tuple[str, ...] = ()  # stable names of its pictures
    seen: dict[str, str] | None = None  # what its https inputs serve; None: nothing is known of them
    stage: str = ""
    needs: tuple[str, int, bool] | None = None  # as `core.specs.Needs`
    model_revision: int = 1


def encode(spec: JobSpec) -> NewJob:
    """The plain values of a spec."""
    return NewJob(
        key=spec.key,
        ordinal=spec.ordinal,
        variation=spec.variation,
        round=spec.round or spec.variation,
        images=spec.images,
        price_micros=spec.price_micros,
        price_digest=spec.priced_by,
        params=json.dumps(spec.params),
        local_images=json.dumps(_local_images(spec)) if spec.local_images else "{}",
        tags=json.dumps(spec.tags) if spec.tags else "{}",
        axes=json.dumps(spec.axes) if spec.axes else None,
        product=product_name(spec.axes or (), spec.tags, spec.local_images, ordinal=spec.ordinal),
        paths=spec.output_paths,
        latest=spec.latest_paths,
        seen=dict(spec.seen_urls) or None,
        stage=spec.stage,
        needs=None if spec.needs is None else (spec.needs.key, spec.needs.index, spec.needs.accepted),
        model_revision=spec.model_revision,
    )


JOB_COLUMNS: Final = (
    "id",
    "run_id",
    "lane_id",
    "key",
    "ordinal",
    "variation",
    "round",
    "state",
    "queue",
    "images",
    "price_micros",
    "tries_left",
    "created_at",
)
NEEDING_COLUMNS: Final = (*JOB_COLUMNS, "reason", "needs_job", "needs_index", "needs_accepted")
NEEDS_COLUMNS: Final = ("needs_job", "needs_index", "needs_accepted", "needs_sha256")
REUSED_COLUMNS: Final = (*JOB_COLUMNS, "finished_at", "reused_from", *NEEDS_COLUMNS)
SPEC_COLUMNS: Final = (
    "job_id",
    "params",
    "local_images",
    "tags",
    "axes",
    "run_id",
    "product",
    "stage",
    "seen_urls",
    "model_revision",
)
OUTPUT_COLUMNS: Final = ("job_id", "idx", "path", "path_key", "state", "clean_path", "clean_key")


def job_rows(
    numbered: Sequence[tuple[int, NewJob]],
    run_id: int,
    lane_ids: Mapping[str, int],
    tries: int,
    now: int,
    *,
    queue: Queue = Queue.READY,
) -> list[Row]:
    """Rows of `jobs`, in the order of JOB_COLUMNS; `lane_ids` are by price digest."""
    state = step(JOB_TRANSITIONS, None, JobEvent.ADDED).value
    return [
        (
            job_id,
            run_id,
            lane_ids[job.price_digest],
            job.key,
            job.ordinal,
            job.variation,
            job.round,
            state,
            queue.value,
            job.images,
            job.price_micros,
            tries,
            now,
        )
        for job_id, job in numbered
    ]


def needing_rows(rows: Sequence[Row], numbered: Sequence[tuple[int, NewJob]], places: Places) -> list[Row]:
    """Rows of `jobs` that wait for the picture of another, in the order of NEEDING_COLUMNS."""
    return [(*row, NEEDS_PICTURE, *_needs(job, places)) for row, (_, job) in zip(rows, numbered, strict=True)]


def _needs(job: NewJob, places: Places) -> Row:
    if job.needs is None:
        return (None, None, None)
    key, index, accepted = job.needs
    return (places[key], index, accepted)


def reused_rows(
    numbered: Sequence[tuple[int, tuple[NewJob, GoodPicture | None]]],
    *,
    run_id: int,
    lane_ids: Mapping[str, int],
    now: int,
    places: Places = NO_PLACES,
) -> list[Row]:
    """Rows of `jobs` that have the pictures of another, in the order of REUSED_COLUMNS."""
    state = step(JOB_TRANSITIONS, None, JobEvent.REUSED).value
    return [
        (
            job_id,
            run_id,
            lane_ids[job.price_digest],
            job.key,
            job.ordinal,
            job.variation,
            job.round,
            state,
            None,
            job.images,
            job.price_micros,
            0,
            now,
            now,
            made.job_id,
            *_needs(job, places),
            made.taken,
        )
        for job_id, (job, made) in numbered
        if made is not None
    ]


def spec_rows(numbered: Sequence[tuple[int, NewJob]], run_id: int) -> list[Row]:
    """Rows of `job_specs`, in the order of SPEC_COLUMNS."""
    return [
        (
            job_id,
            job.params,
            job.local_images,
            job.tags,
            job.axes,
            run_id,
            job.product,
            job.stage or None,
            _seen_urls(job),
            job.model_revision,
        )
        for job_id, job in numbered
    ]


def output_rows(numbered: Sequence[tuple[int, NewJob]]) -> Iterator[Row]:
    """Rows of `outputs`, in the order of OUTPUT_COLUMNS."""
    state = OutputState.PLANNED.value
    for job_id, job in numbered:
        for index, path in enumerate(job.paths):
            clean = job.clean_paths[index] if job.clean_paths else path
            yield (job_id, index, path, path_key(path), state, *clean_columns(path, clean))


def clean_columns(path: str, clean: str) -> tuple[str | None, bytes | None]:
    """The columns `clean_path` and `clean_key` of an output: empty where its path is the clean name."""
    return (None, None) if path == clean else (clean, path_key(clean))


def _seen_urls(job: NewJob) -> str | None:
    known = recorded(job.seen) if job.seen else {}
    return json.dumps(known) if known else None


def _local_images(spec: JobSpec) -> dict[str, dict[str, Any]]:
    return {written: image_entry(image) for written, image in spec.local_images.items()}


def image_entry(image: LocalImage) -> dict[str, Any]:
    """An input picture as a job keeps it."""
    named = {"path": image.path, "sha256": image.sha256}
    kept = {**named, "bytes": image.bytes, "media_type": image.media_type}
    return {**kept, **({"recipe": image.recipe} if image.recipe else {})}
