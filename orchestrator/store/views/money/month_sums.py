"""How a month's attempts are grouped, what pictures they made, and what the ledger's odd lines say of them.

Groups are the run and values of a job: a tag, an axis, a parameter. A job has one value of each, so its cost
stands whole in one group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select

from orchestrator.core.month import Amounts, amounts_of
from orchestrator.core.paths import COPY_FIRST
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    JOB_IS_JUDGED,
    LEDGER_IS_ODD,
    OutputState,
    attempts,
    job_specs,
    jobs,
    ledger,
    outputs,
)

AXES_MAX: Final = 8
"""Axes of a manifest that are looked through for a name."""


@dataclass(frozen=True, slots=True)
class MonthBounds:
    """A month in both calendars: days of the caps, and the provider's bill in UTC, in ms."""

    month: str
    start: int
    end: int

    @property
    def values(self) -> dict[str, object]:
        """What the statements are given."""
        return {
            "first": f"{self.month}-01",
            "last": f"{self.month}-31",
            "start": self.start,
            "last_ms": self.end - 1,
        }


@dataclass(frozen=True, slots=True)
class Dimension:
    """What groups are told apart by besides the run: a tag, an axis or a parameter."""

    kind: str  # tag | axis | param
    name: str


Group = tuple[int, *tuple[str | None, ...]]
"""A run, and its values of the dimensions; None where a job has none."""


def pictures(tx: Tx, bounds: MonthBounds, by: Sequence[Dimension] = ()) -> dict[Group, dict[str, int]]:
    """Stored pictures of attempts that were admitted in the month, those of accepted jobs, and flagged ones,
    by group.
    """
    stored = _pictures(_STORED, by)
    with dialect.hashed_groups(tx.conn, few=not by):
        found = {group: {**sums, "accepted": 0} for group, sums in _read(tx, stored, bounds, by=by).items()}
    judged = _pictures(_ACCEPTED, by).join(jobs, jobs.c.id == outputs.c.job_id)
    judged = judged.where(JOB_IS_JUDGED, jobs.c.verdict == JobVerdict.ACCEPTED.value)
    for group, sums in _read(tx, judged, bounds, by=by).items():
        found[group] |= sums
    return found


def odd_lines(tx: Tx, month: str, by: Sequence[Dimension] = ()) -> dict[Group, Amounts]:
    """What the ledger's lines of the month say that are no hold, release or settlement: refunds, adjustments,
    what was written off; by group.
    """
    values = [value_of(each).label(f"value{at}") for at, each in enumerate(by)]
    sums = [
        func.sum(ledger.c[name]).label(name) for name in ("spent_delta", "held_delta", "refund_due_delta")
    ]
    query = select(ledger.c.run_id, *values, ledger.c.kind, *sums).select_from(ledger)
    if by:
        query = query.outerjoin(attempts, attempts.c.id == ledger.c.attempt_id)
        query = query.outerjoin(job_specs, job_specs.c.job_id == attempts.c.job_id)
    query = query.where(LEDGER_IS_ODD, ledger.c.day.between(bindparam("first"), bindparam("last")))
    found: dict[Group, Amounts] = {}
    days = {"first": f"{month}-01", "last": f"{month}-31"}
    for row in tx.conn.execute(query.group_by(ledger.c.run_id, *values, ledger.c.kind), days):
        group: Group = tuple(row[: 1 + len(by)])
        said = amounts_of(
            row.kind, spent=int(row.spent_delta), held=int(row.held_delta), due=int(row.refund_due_delta)
        )
        found[group] = found.get(group, Amounts()) + said
    return found


def groups_of(tx: Tx, attempt_ids: Sequence[int], by: Sequence[Dimension]) -> dict[int, Group]:
    """In which group each of these attempts is."""
    values = [value_of(each).label(f"value{at}") for at, each in enumerate(by)]
    query = of_jobs(select(attempts.c.id, attempts.c.run_id, *values), by)
    query = query.where(attempts.c.id.in_(bindparam("ids", expanding=True)))
    return {row[0]: tuple(row[1:]) for row in tx.conn.execute(query, {"ids": list(attempt_ids)})}


def is_known(tx: Tx, by: Dimension) -> bool:
    """Whether any job, of any month, has it."""
    query = select(job_specs.c.job_id).where(value_of(by).is_not(None)).limit(1)
    return tx.conn.execute(query).first() is not None


def _read(
    tx: Tx, query: Select[Any], bounds: MonthBounds, *, by: Sequence[Dimension]
) -> dict[Group, dict[str, int]]:
    wide = 1 + len(by)
    names = [column["name"] for column in query.column_descriptions][wide:]
    found: dict[Group, dict[str, int]] = {}
    for row in tx.conn.execute(query, bounds.values):
        found[tuple(row[:wide])] = {
            name: int(value or 0) for name, value in zip(names, row[wide:], strict=True)
        }
    return found


def _pictures(sums: dict[str, ColumnElement[Any]], by: Sequence[Dimension]) -> Select[Any]:
    query = _grouped(sums, by).join(outputs, outputs.c.attempt_id == attempts.c.id)
    return query.where(BOOKED, outputs.c.state == OutputState.STORED.value, outputs.c.idx < COPY_FIRST)


def _grouped(sums: dict[str, ColumnElement[Any]], by: Sequence[Dimension]) -> Select[Any]:
    values = [value_of(each).label(f"value{at}") for at, each in enumerate(by)]
    named = [func.sum(what).label(name) for name, what in sums.items()]
    query = of_jobs(select(attempts.c.run_id, *values, *named), by)
    return query.group_by(attempts.c.run_id, *values)


def of_jobs(query: Select[Any], by: Sequence[Dimension]) -> Select[Any]:
    """From attempts, and what is known of their jobs where it is asked for."""
    query = query.select_from(attempts)
    return query.outerjoin(job_specs, job_specs.c.job_id == attempts.c.job_id) if by else query


def value_of(by: Dimension) -> ColumnElement[Any]:
    """A job's value of it, out of the JSON of its spec."""
    found: ColumnElement[Any]
    if by.kind in {"tag", "param"}:
        column = job_specs.c.tags if by.kind == "tag" else job_specs.c.params
        found = column[by.name].as_string()
        return found
    named = [
        (
            job_specs.c.axes[(position, 0)].as_string() == by.name,
            job_specs.c.axes[(position, 1)].as_string(),
        )
        for position in range(AXES_MAX)
    ]
    return case(*named)


BOOKED: Final[ColumnElement[bool]] = attempts.c.day.between(bindparam("first"), bindparam("last"))
"""Attempts that count in the month for the caps."""

_STORED: Final[dict[str, ColumnElement[Any]]] = {
    "images": literal(1),
    "nsfw": case((outputs.c.nsfw, 1), else_=0),
}
_ACCEPTED: Final[dict[str, ColumnElement[Any]]] = {"accepted": literal(1)}
