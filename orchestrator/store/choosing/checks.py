"""What the checks of a manifest found in stored pictures. Each digest is looked at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, exists, select

from orchestrator.core.paths import EARLIER_INDEX
from orchestrator.core.states import JobState
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, check_results, job_specs, jobs, outputs, runs

UNJUDGED_MAX: Final = 100
"""How many are looked for at once."""


@dataclass(frozen=True, slots=True)
class UnjudgedPicture:
    """A stored picture that no check has looked at."""

    job_id: int
    index: int
    run_id: int
    path: str  # where it lies, relative to the output root
    sha256: str
    params: dict[str, Any]
    local_images: dict[str, dict[str, Any]]
    redo_of: int | None
    rules: dict[str, Any]  # `checks:` of its manifest


@dataclass(frozen=True, slots=True)
class CheckFound:
    """What one check says of one picture; `passed` is None where it could not be made."""

    job_id: int
    index: int
    sha256: str
    name: str
    passed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class StoredSibling:
    """Another picture of a job of the same content."""

    job_id: int
    path: str


def rules_of_runs(tx: Tx, run_ids: Collection[int] | None) -> dict[int, tuple[dict[str, Any], int]]:
    """The checks of each run that has any, and how many of its pictures are stored."""
    query = _RULES if run_ids is None else _RULES.where(runs.c.id.in_(run_ids))
    return {
        row.id: (row.settings["checks"], row.pictures_stored)
        for row in tx.conn.execute(query)
        if row.settings.get("checks")
    }


def unjudged(
    tx: Tx, rules: dict[int, dict[str, Any]], passed_over: Collection[tuple[int, int, str]]
) -> list[UnjudgedPicture]:
    """The first pictures of these runs that no check has looked at, but for those that are passed over."""
    if not rules:
        return []
    rows = tx.conn.execute(_UNJUDGED, {"runs": list(rules), "most": UNJUDGED_MAX + len(passed_over)})
    return [
        UnjudgedPicture(
            job_id=row.job_id,
            index=row.idx,
            run_id=row.run_id,
            path=row.stored_path,
            sha256=row.sha256,
            params=row.params,
            local_images=row.local_images,
            redo_of=row.redo_of,
            rules=rules[row.run_id],
        )
        for row in rows
        if (row.job_id, row.idx, row.stored_path) not in passed_over
    ]


def siblings(tx: Tx, picture: UnjudgedPicture, most: int) -> list[StoredSibling]:
    """Stored pictures of the jobs beside it that send the same; the nearest first."""
    near = {"run": picture.run_id, "job": picture.job_id, "most": most}
    return [
        StoredSibling(row.id, row.stored_path)
        for row in tx.conn.execute(_NEAR, near)
        if row.params == picture.params
    ]


def record(tx: Tx, rows: Sequence[CheckFound]) -> list[None]:
    """Keep what was found; the last look counts."""
    values = [
        {
            "job_id": row.job_id,
            "idx": row.index,
            "name": row.name,
            "sha256": row.sha256,
            "passed": row.passed,
            "reason": row.reason,
            "at": tx.now,
        }
        for row in rows
    ]
    if values:
        statement = dialect.insert(tx.conn, check_results)
        changed = {name: statement.excluded[name] for name in ("sha256", "passed", "reason", "at")}
        tx.conn.execute(
            statement.on_conflict_do_update(index_elements=["job_id", "idx", "name"], set_=changed), values
        )
    return [None] * len(rows)


def of_job(tx: Tx, job_id: int) -> list[CheckFound]:
    """Everything that checks say of the pictures of a job."""
    return [_found(row) for row in tx.conn.execute(_OF_JOB, {"job": job_id})]


def failed(tx: Tx, job_ids: Sequence[int]) -> dict[int, list[CheckFound]]:
    """The checks that the pictures of these jobs do not pass: a suggestion to reject them, with reasons."""
    found: dict[int, list[CheckFound]] = {}
    for row in tx.conn.execute(_FAILED, {"ids": list(job_ids)}) if job_ids else ():
        found.setdefault(row.job_id, []).append(_found(row))
    return found


def _found(row: Any) -> CheckFound:
    return CheckFound(
        job_id=row.job_id,
        index=row.idx,
        sha256=row.sha256,
        name=row.name,
        passed=row.passed,
        reason=row.reason,
    )


_RULES: Final = select(runs.c.id, runs.c.settings, runs.c.pictures_stored).where(runs.c.settings.is_not(None))

_LOOKED_AT: Final = exists().where(
    check_results.c.job_id == outputs.c.job_id,
    check_results.c.idx == outputs.c.idx,
    check_results.c.sha256 == outputs.c.sha256,
)

_UNJUDGED: Final = (
    select(
        outputs.c.job_id,
        outputs.c.idx,
        outputs.c.stored_path,
        outputs.c.sha256,
        jobs.c.run_id,
        jobs.c.redo_of,
        job_specs.c.params,
        job_specs.c.local_images,
    )
    .join_from(outputs, jobs)
    .join(job_specs)
    .where(
        jobs.c.run_id.in_(bindparam("runs", expanding=True)),
        jobs.c.state == JobState.SUCCEEDED.value,
        outputs.c.state == OutputState.STORED.value,
        outputs.c.idx < EARLIER_INDEX,
        ~_LOOKED_AT,
    )
    .order_by(outputs.c.job_id, outputs.c.idx)
    .limit(bindparam("most"))
)

_NEAR: Final = (
    select(jobs.c.id, outputs.c.stored_path, job_specs.c.params)
    .join_from(outputs, jobs)
    .join(job_specs)
    .where(
        jobs.c.run_id == bindparam("run"),
        jobs.c.id.between(bindparam("job") - 100, bindparam("job") + 100),
        jobs.c.id != bindparam("job"),
        outputs.c.state == OutputState.STORED.value,
        outputs.c.idx < EARLIER_INDEX,
    )
    .order_by(jobs.c.id)
    .limit(bindparam("most"))
)

_OF_JOB: Final = (
    select(check_results)
    .where(check_results.c.job_id == bindparam("job"))
    .order_by(check_results.c.idx, check_results.c.name)
)

_FAILED: Final = (
    select(check_results)
    .where(
        check_results.c.job_id.in_(bindparam("ids", expanding=True)),
        check_results.c.passed.is_(False),
    )
    .order_by(check_results.c.job_id, check_results.c.idx, check_results.c.name)
)
