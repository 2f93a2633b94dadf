"""How many pictures were accepted, and what an accepted one cost: of runs, and by axis value, tag and prompt.

What a cell cost is everything that was spent on its tries, the rejected and the failed ones too: a further
try has the axes and tags of its job. Runs are summed from their balances and from the index of verdicts
alone, so that a million jobs are not read; a breakdown reads the jobs of its runs that cost anything or were
judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select

from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import JOB_IS_JUDGED, Scope, balances, job_specs, jobs

AXES_MAX: Final = 12
"""Axes beyond these are not broken down."""

GROUPS_MAX: Final = 1_000
"""How many values of one axis or tag, or prompts, are told, those that cost most first."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Verdicts on jobs, and what was spent on all of them, in micros; `accepted_pictures` of the accepted."""

    accepted: int = 0
    rejected: int = 0
    accepted_pictures: int = 0
    spent_micros: int = 0

    @property
    def rate(self) -> float | None:
        """Which part of what was judged is accepted; None when nothing was judged."""
        judged = self.accepted + self.rejected
        return self.accepted / judged if judged else None

    @property
    def picture_micros(self) -> int | None:
        """What an accepted picture cost with all that was spent for it, rounded to the nearest micro; None
        when none is accepted.
        """
        if not self.accepted_pictures:
            return None
        return (2 * self.spent_micros + self.accepted_pictures) // (2 * self.accepted_pictures)


@dataclass(frozen=True, slots=True)
class AcceptedBy:
    """The same for the jobs that share one value."""

    kind: str  # axis | tag | prompt
    name: str  # of the axis or tag; `prompt` for a prompt
    value: str
    found: Acceptance


def by_run(tx: Tx, run_ids: Sequence[int] | None = None) -> dict[int, Acceptance]:
    """Of each run that has a verdict, or of those given; without one, it is left out."""
    query = _VERDICTS if run_ids is None else _VERDICTS.where(jobs.c.run_id.in_(run_ids))
    counts: dict[int, dict[str, tuple[int, int]]] = {}
    for row in tx.conn.execute(query):
        counts.setdefault(row.run_id, {})[row.verdict] = (row.jobs, row.images)
    if not counts:
        return {}
    spent = {row.scope_id: row.spent_micros for row in tx.conn.execute(_SPENT, {"ids": list(counts)})}
    found = {}
    for run_id, verdicts in counts.items():
        accepted, pictures = verdicts.get(JobVerdict.ACCEPTED.value, (0, 0))
        rejected, _ = verdicts.get(JobVerdict.REJECTED.value, (0, 0))
        found[run_id] = Acceptance(accepted, rejected, pictures, spent_micros=spent.get(run_id, 0))
    return found


def breakdown(tx: Tx, run_ids: Sequence[int]) -> list[AcceptedBy]:
    """By value of each axis, by tag, by prompt, of these runs together; within one of them, what cost most
    first. Values on which nothing was judged are left out.
    """
    found: list[AcceptedBy] = []
    named = _named(tx, run_ids)
    for position in range(named.axes):
        name, value = (job_specs.c.axes[(position, part)].as_string() for part in (0, 1))
        found += _grouped(tx, run_ids, kind="axis", name=name, value=value)
    for tag in named.tags:
        found += _grouped(tx, run_ids, kind="tag", name=literal(tag), value=job_specs.c.tags[tag].as_string())
    prompt = job_specs.c.params["prompt"].as_string()
    return [*found, *_grouped(tx, run_ids, kind="prompt", name=literal("prompt"), value=prompt)]


def _grouped(
    tx: Tx, run_ids: Sequence[int], *, kind: str, name: ColumnElement[Any], value: ColumnElement[Any]
) -> Iterator[AcceptedBy]:
    inner = _RELEVANT.add_columns(name.label("name"), value.label("value")).subquery()
    query = (
        select(
            inner.c.name,
            inner.c.value,
            *(func.sum(inner.c[column]).label(column) for column in _SUMS),
        )
        .where(inner.c.value.is_not(None))
        .group_by(inner.c.name, inner.c.value)
        .having(func.sum(inner.c.accepted) + func.sum(inner.c.rejected) > 0)
        .order_by(func.sum(inner.c.spent).desc(), inner.c.name, inner.c.value)
        .limit(GROUPS_MAX)
    )
    for row in tx.conn.execute(query, {"runs": list(run_ids)}):
        sums = Acceptance(*(int(getattr(row, column)) for column in _SUMS))
        yield AcceptedBy(kind, row.name, row.value, found=sums)


class _Named(NamedTuple):
    """What the first and the last judged jobs name: an edited manifest may have other axes and tags."""

    axes: int
    tags: list[str]


def _named(tx: Tx, run_ids: Sequence[int]) -> _Named:
    ids: set[int] = set()
    for run_id in run_ids:
        for verdict in (JobVerdict.ACCEPTED, JobVerdict.REJECTED):
            ends = tx.conn.execute(_ENDS, {"run": run_id, "verdict": verdict.value}).one()
            ids.update(job_id for job_id in ends if job_id is not None)
    axes, tags = 0, dict[str, None]()
    for chunk in chunks(sorted(ids)):
        for row in tx.conn.execute(_NAMES, {"ids": chunk}):
            axes = max(axes, len(row.axes or ()))
            tags.update(dict.fromkeys(row.tags))
    return _Named(min(axes, AXES_MAX), list(tags))


_SUMS: Final = ("accepted", "rejected", "pictures", "spent")
_IS_ACCEPTED: Final = jobs.c.verdict == JobVerdict.ACCEPTED.value
_IS_REJECTED: Final = jobs.c.verdict == JobVerdict.REJECTED.value
_RELEVANT: Final[Select[Any]] = (
    select(
        case((_IS_ACCEPTED, 1), else_=0).label("accepted"),
        case((_IS_REJECTED, 1), else_=0).label("rejected"),
        case((_IS_ACCEPTED, jobs.c.images), else_=0).label("pictures"),
        jobs.c.cost_micros.label("spent"),
    )
    .join_from(jobs, job_specs, job_specs.c.job_id == jobs.c.id)
    .where(
        jobs.c.run_id.in_(bindparam("runs", expanding=True)),
        (jobs.c.cost_micros > 0) | jobs.c.verdict.is_not(None),
    )
)
_VERDICTS: Final = (
    select(jobs.c.run_id, jobs.c.verdict, func.count().label("jobs"), func.sum(jobs.c.images).label("images"))
    .where(JOB_IS_JUDGED)
    .group_by(jobs.c.run_id, jobs.c.verdict)
)
_SPENT: Final = select(balances.c.scope_id, balances.c.spent_micros).where(
    balances.c.scope == Scope.RUN.value,
    balances.c.period == "total",
    balances.c.scope_id.in_(bindparam("ids", expanding=True)),
)
_ENDS: Final = select(func.min(jobs.c.id), func.max(jobs.c.id)).where(
    jobs.c.run_id == bindparam("run"), jobs.c.verdict == bindparam("verdict"), JOB_IS_JUDGED
)
_NAMES: Final = select(job_specs.c.axes, job_specs.c.tags).where(
    job_specs.c.job_id.in_(bindparam("ids", expanding=True))
)
