"""Jobs by product, for pages: a few products at a time, read through the index on (run, product), so that no
page costs more in a database of a million jobs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, Text, and_, bindparam, case, cast, func, or_, select

from orchestrator.core.states import JobState
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checks import CheckFound
from orchestrator.store.choosing.originals import ORIGIN, said_columns
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs, lanes
from orchestrator.store.views.jobs.job_outputs import OutputRow, outputs_of

JOBS_MAX: Final = 1_000
"""On one page. A product with more jobs goes on on the next one."""

BEHIND_ALL: Final = 2**62
"""In a place, instead of a job: behind every job of the product."""

LONG: Final = 16_000
"""Parameters of more characters are not read for a page; the prompt is cut instead."""

PROMPT_MAX: Final = 4_000
SEARCHED_MAX: Final = 30_000
"""So many jobs are searched for those of a page; the search goes on with the next page."""


@dataclass(frozen=True, slots=True)
class Place:
    """A job's place in the order of pages."""

    product: str
    job_id: int


@dataclass(frozen=True, slots=True)
class TryRow:
    """One job as a page shows it; money in micros, times in milliseconds."""

    id: int
    run_id: int
    product: str
    axes: tuple[tuple[str, str], ...]
    variation: int
    ordinal: int
    state: str
    reason: str | None
    message: str | None
    lane_id: int
    due_at: int | None
    images: int
    price_micros: int
    cost_micros: int
    created_at: int
    finished_at: int | None
    verdict: str | None
    stars: int
    note: str | None
    redo_of: int | None
    tags: Mapping[str, str]
    local_images: Mapping[str, Mapping[str, Any]]
    params: Mapping[str, Any]  # of very long ones the prompt alone, cut
    outputs: Sequence[OutputRow]
    failed_checks: Sequence[tuple[str, str]] = ()  # rules that its picture does not pass, and why
    beside: int | None = None  # of another run: the job of this one whose clean name it shares
    elsewhere: str = ""  # then: its run, as campaign/name/key
    reused_from: int | None = None  # the job of an earlier run whose picture it has, and what is said of it

    @property
    def place(self) -> Place:
        """Where it stands in the order of pages."""
        return Place(self.product, self.id)


@dataclass(frozen=True, slots=True)
class ProductWish:
    """Which products of a run: those whose name holds some words, those with a job in some state or with or
    without a verdict. Of a product that is wanted every job is shown.
    """

    run_id: int
    words: str = ""
    states: tuple[str, ...] = ()
    verdicts: tuple[str | None, ...] = ()  # None: a picture without a verdict

    @property
    def is_plain(self) -> bool:
        """Whether it is just a run."""
        return not (self.words or self.states or self.verdicts)


def page(
    tx: Tx, wish: ProductWish, *, after: Place | None, products: int
) -> tuple[list[TryRow], Place | None]:
    """The jobs of the next products, in order, and the place that the page after it begins behind; None at
    the end. A page may be empty, and not the last: a search goes so far at a time.
    """
    names, searched = _names(tx, wish, after=after, most=products)
    if not names:
        return [], searched
    query = _of(wish.run_id, names) if after is None else _of(wish.run_id, names).where(_behind(after))
    ids = list(tx.conn.execute(query).scalars())
    rows = tries(tx, ids)
    if len(ids) == JOBS_MAX:
        return rows, rows[-1].place
    return rows, searched


def of_products(tx: Tx, run_id: int, names: Sequence[str]) -> list[TryRow]:
    """Every job of these products, up to what a page shows."""
    return tries(tx, list(tx.conn.execute(_of(run_id, names)).scalars()))


def tries(tx: Tx, ids: Sequence[int]) -> list[TryRow]:
    """These jobs, in the order of products."""
    found: list[TryRow] = []
    for chunk in chunks(list(ids)):
        pictures = outputs_of(tx, chunk)
        rows = tx.conn.execute(_ROWS, {"ids": chunk})
        failed = checks.failed(tx, chunk)
        found += [_try(row, pictures.get(row.id, ()), failed.get(row.id, ())) for row in rows]
    order = {job_id: number for number, job_id in enumerate(ids)}
    return sorted(found, key=lambda row: order[row.id])


def count_products(tx: Tx, run_id: int, most: int) -> int:
    """How many products a run has; not more than `most` are counted."""
    names = select(job_specs.c.product).where(job_specs.c.run_id == run_id).distinct().limit(most)
    return int(tx.conn.execute(select(func.count()).select_from(names.subquery())).scalar_one())


def verdict_counts(tx: Tx, run_id: int) -> dict[str, int]:
    """How many jobs of a run have each verdict."""
    return {row.verdict: row.jobs for row in tx.conn.execute(_VERDICTS, {"run": run_id})}


def _of(run_id: int, names: Sequence[str]) -> Select[Any]:
    spec = job_specs.c
    wanted = select(spec.job_id).where(spec.run_id == run_id, spec.product.in_(list(names)))
    return wanted.order_by(spec.product, spec.job_id).limit(JOBS_MAX)


def _names(tx: Tx, wish: ProductWish, *, after: Place | None, most: int) -> tuple[list[str], Place | None]:
    """Products in order, and where the next page begins; None where nothing is behind them."""
    ahead = select(job_specs.c.product, job_specs.c.job_id).where(job_specs.c.run_id == wish.run_id)
    if after is not None:
        ahead = ahead.where(_behind(after))
    ahead = ahead.order_by(job_specs.c.product, job_specs.c.job_id)
    if wish.is_plain:
        found = tx.conn.execute(_distinct(ahead.order_by(None).subquery(), most)).scalars().all()
        return list(found), Place(found[-1], BEHIND_ALL) if len(found) == most else None
    window = ahead.limit(SEARCHED_MAX).subquery()
    query = _distinct(window, most)
    if wish.words:
        words = wish.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(window.c.product.ilike(f"%{words}%", escape="\\"))
    if wish.states or wish.verdicts:
        query = query.join(jobs, jobs.c.id == window.c.job_id).where(*_wanted(wish))
    found = tx.conn.execute(query).scalars().all()
    if len(found) == most:
        return list(found), Place(found[-1], BEHIND_ALL)
    end = tx.conn.execute(ahead.offset(SEARCHED_MAX - 1).limit(1)).one_or_none()
    return list(found), Place(end.product, end.job_id) if end else None


def _distinct(window: Any, most: int) -> Select[Any]:
    return select(window.c.product).distinct().order_by(window.c.product).limit(most)


def _wanted(wish: ProductWish) -> Iterable[Any]:
    if wish.states:
        yield jobs.c.state.in_(wish.states)
    if wish.verdicts:
        said = jobs.c.verdict.in_([verdict for verdict in wish.verdicts if verdict is not None])
        unseen = and_(jobs.c.state == JobState.SUCCEEDED.value, jobs.c.verdict.is_(None))
        yield or_(said, unseen) if None in wish.verdicts else said


def _behind(after: Place) -> Any:
    """Behind this place in the index: as a range first, which both databases read from it."""
    spec = job_specs.c
    return and_(
        spec.product >= after.product,
        or_(spec.product > after.product, spec.job_id > after.job_id),
    )


def _try(row: Any, pictures: Sequence[OutputRow], failed: Sequence[CheckFound]) -> TryRow:
    return TryRow(
        id=row.id,
        run_id=row.run_id,
        product=row.product,
        axes=tuple((str(name), str(label)) for name, label in row.axes or ()),
        variation=row.variation,
        ordinal=row.ordinal,
        state=row.state,
        reason=row.reason,
        message=row.message,
        lane_id=row.lane_id,
        due_at=row.due_at,
        images=row.images,
        price_micros=row.live_micros,
        cost_micros=row.cost_micros,
        created_at=row.created_at,
        finished_at=row.finished_at,
        verdict=row.said_verdict,
        stars=row.said_stars or 0,
        note=row.said_note,
        redo_of=row.redo_of,
        reused_from=row.reused_from,
        tags=row.tags or {},
        local_images=row.local_images if isinstance(row.local_images, dict) else {},
        params=row.params if row.params is not None else {"prompt": row.prompt or ""},
        outputs=pictures,
        failed_checks=tuple((each.name, each.reason) for each in failed),
    )


_IS_LONG: Final = func.length(cast(job_specs.c.params, Text)) > LONG
_ROWS: Final = (
    select(
        jobs,
        lanes.c.price_micros.label("live_micros"),
        *said_columns(jobs),
        job_specs.c.product,
        job_specs.c.axes,
        job_specs.c.tags,
        job_specs.c.local_images,
        case((_IS_LONG, None), else_=job_specs.c.params).label("params"),
        case(
            (_IS_LONG, func.substr(job_specs.c.params["prompt"].as_string(), 1, PROMPT_MAX)), else_=None
        ).label("prompt"),
    )
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .join(lanes, lanes.c.id == jobs.c.lane_id)
    .outerjoin(ORIGIN, ORIGIN.c.id == jobs.c.reused_from)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
)
_VERDICTS: Final = (
    select(jobs.c.verdict, func.count().label("jobs"))
    .where(jobs.c.run_id == bindparam("run"), jobs.c.verdict.is_not(None))
    .group_by(jobs.c.verdict)
)
