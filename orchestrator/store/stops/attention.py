"""What is in flight and does not go on as it should: nothing is stopped by it, and somebody should know."""

from typing import Any, Final

from sqlalchemy import RowMapping, Select, func, select, text

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import AttemptState
from orchestrator.store.attempts.overdue import OVERDUE
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import (
    ATTEMPT_IS_LIVE,
    JOB_WAITING,
    RUN_PATH,
    attempts,
    campaigns,
    jobs,
    outputs,
    runs,
)
from orchestrator.store.stops.expiring import expiring
from orchestrator.store.stops.picture_waits import NO_PICTURE
from orchestrator.store.stops.stops import Stoppage
from orchestrator.store.stops.tick_attention import TICK_ATTENTION, tick_attention

OVERDUE_TASKS: Final = "overdue"
"""The reason of a run with tasks that a person should ask the provider about."""

DOWNLOADS_FAILING: Final = "downloads_failing"
POLLS_FAILING: Final = "polls_failing"
UPLOADS_REFUSED: Final = "uploads_refused"
NAMES_WAITING: Final = "names_waiting"
RESULTS_EXPIRING: Final = "results_expiring"
"""Paid results that the provider soon deletes. What of them a worker can download goes before submissions."""
PICTURES_MISSING: Final = "pictures_missing"

ATTENTION: Final = frozenset(
    {
        OVERDUE_TASKS,
        DOWNLOADS_FAILING,
        POLLS_FAILING,
        UPLOADS_REFUSED,
        NAMES_WAITING,
        RESULTS_EXPIRING,
        PICTURES_MISSING,
        NO_PICTURE,
        *TICK_ATTENTION,
    }
)
"""Reasons that stop nothing."""

LASTING: Final = frozenset({OVERDUE_TASKS, NAMES_WAITING, PICTURES_MISSING, NO_PICTURE})
"""Reasons that no clock ends."""

FAULTS_MIN: Final = 3
"""Fewer faults in a row are no news: most are over a second later."""

UPLOAD_REASONS: Final = ("upload_failed",)
"""Reasons of waiting jobs whose input picture could not be hosted."""


def attention(tx: Tx) -> list[Stoppage]:
    """For each run what its tasks, its pictures and its uploads wait for, and for each schedule what its
    ticks wait for, one line each, beside what `stops` says.

    What ends by itself has a time, that of the next try; an overdue task has none.
    """
    found = [
        *_stoppages(tx, _OVERDUE, OVERDUE_TASKS),
        *_stoppages(tx, _FETCHING, DOWNLOADS_FAILING),
        *_stoppages(tx, _POLLING, POLLS_FAILING),
        *_stoppages(tx, _UPLOADING, UPLOADS_REFUSED),
        *_stoppages(tx, _MOVING, NAMES_WAITING),
        *_at_risk(tx),
        *_stoppages(tx, _GONE, PICTURES_MISSING),
    ]
    return [*sorted(found, key=lambda stop: int(stop.key)), *tick_attention(tx)]


def attention_word(attempt: Any) -> str | None:
    """The reason for which one attempt needs attention; None for one that goes on or is over."""
    if attempt.state == AttemptState.IN_FLIGHT.value and attempt.overdue_at is not None:
        return OVERDUE_TASKS
    if attempt.trouble is None:
        return None
    return {
        AttemptState.FETCHING.value: DOWNLOADS_FAILING,
        AttemptState.IN_FLIGHT.value: POLLS_FAILING,
    }.get(attempt.state)


def _stoppages(tx: Tx, query: Select[Any], reason: str) -> list[Stoppage]:
    return [_stoppage(tx, row, reason) for row in tx.conn.execute(query).mappings()]


def _at_risk(tx: Tx) -> list[Stoppage]:
    return [
        Stoppage(
            scope="run",
            key=str(each.run_id),
            name=each.run,
            reason=RESULTS_EXPIRING,
            message=each.words(tx.now),
            since=each.first_at - RETENTION_MS,
            until=None,
        )
        for each in expiring(tx)
    ]


def _stoppage(tx: Tx, row: RowMapping, reason: str) -> Stoppage:
    several = row["number"] != 1
    match reason:
        case "overdue":
            tasks = f"{row['number']} tasks are" if several else "1 task is"
            message = f"{tasks} far older than this model's: ask the provider ({row['trouble']})"
        case "downloads_failing":
            jobs_ = f"{row['number']} jobs" if several else "1 job"
            message = f"the pictures of {jobs_} cannot be downloaded: {row['trouble']}"
        case "polls_failing":
            tasks = f"{row['number']} tasks" if several else "1 task"
            message = f"the provider says nothing of {tasks} that can be used: {row['trouble']}"
        case "names_waiting":
            names = f"{row['number']} clean names are" if several else "1 clean name is"
            message = f"{names} not that of the chosen picture yet: {row['trouble']}"
        case "pictures_missing":
            pictures = f"{row['number']} pictures are" if several else "1 picture is"
            message = f"{pictures} missing that later runs point at (such as {row['trouble']})"
        case _:
            jobs_ = f"{row['number']} jobs wait" if several else "1 job waits"
            message = f"the picture host refuses uploads: {row['trouble']}; {jobs_}"
    return Stoppage(
        scope="run",
        key=str(row["run_id"]),
        name=row["name"],
        reason=reason,
        message=message,
        since=row["since"],
        until=None if reason in LASTING else max(row["next_try"] or tx.now, tx.now),
    )


def _of_attempts(since: Any, *conditions: Any) -> Select[Any]:
    return (
        select(
            attempts.c.run_id,
            RUN_PATH.label("name"),
            func.count().label("number"),
            func.max(attempts.c.trouble).label("trouble"),
            func.min(attempts.c.next_try_at).label("next_try"),
            func.min(since).label("since"),
        )
        .select_from(attempts)
        .join(runs, runs.c.id == attempts.c.run_id)
        .join(campaigns, campaigns.c.id == runs.c.campaign_id)
        .where(ATTEMPT_IS_LIVE, *conditions)
        .group_by(attempts.c.run_id, RUN_PATH)
    )


_LASTING: Final = attempts.c.trouble_count >= FAULTS_MIN
_OVERDUE: Final = _of_attempts(attempts.c.overdue_at, OVERDUE)
_FETCHING: Final = _of_attempts(
    attempts.c.completed_at, attempts.c.state == AttemptState.FETCHING.value, _LASTING
)
_POLLING: Final = _of_attempts(
    attempts.c.accepted_at,
    attempts.c.state == AttemptState.IN_FLIGHT.value,
    attempts.c.overdue_at.is_(None),
    _LASTING,
)
_MOVING: Final = (
    select(
        jobs.c.run_id,
        RUN_PATH.label("name"),
        func.count(func.coalesce(outputs.c.clean_key, outputs.c.path_key).distinct()).label("number"),
        func.max(outputs.c.moving_trouble).label("trouble"),
        func.min(outputs.c.moving_since).label("since"),
    )
    .select_from(outputs)
    .join(jobs, jobs.c.id == outputs.c.job_id)
    .join(runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(outputs.c.moving_to.is_not(None), outputs.c.moving_trouble.is_not(None))
    .group_by(jobs.c.run_id, RUN_PATH)
)
_UPLOADING: Final = (
    select(
        jobs.c.run_id,
        RUN_PATH.label("name"),
        func.count().label("number"),
        func.max(jobs.c.message).label("trouble"),
        func.min(jobs.c.due_at).label("next_try"),
        func.min(jobs.c.created_at).label("since"),
    )
    .select_from(jobs)
    .join(runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(JOB_WAITING, jobs.c.reason.in_(UPLOAD_REASONS), jobs.c.attempts >= FAULTS_MIN)
    .group_by(jobs.c.run_id, RUN_PATH)
)
_GONE: Final = (
    select(
        jobs.c.run_id,
        RUN_PATH.label("name"),
        func.count().label("number"),
        func.min(outputs.c.stored_path).label("trouble"),
        func.min(outputs.c.missing_since).label("since"),
    )
    .join_from(outputs, jobs, jobs.c.id == outputs.c.job_id)
    .join(runs, runs.c.id == jobs.c.run_id)
    .join(campaigns, campaigns.c.id == runs.c.campaign_id)
    .where(text("outputs.missing_since IS NOT NULL"))
    .group_by(jobs.c.run_id, RUN_PATH)
)
