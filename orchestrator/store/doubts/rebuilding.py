"""Paid tasks that this database does not know, recorded from what the sidecars of their pictures say.

| The job is | What becomes of the task |
|---|---|
| unknown | job and attempt are made, as if both had ended here |
| pending, failed, cancelled | the attempt is its newest, and the job has succeeded |
| succeeded by another task | the attempt is an earlier one, and its pictures are kept beside |
| running | nothing: a worker may have bought it again, and has to end first |

All of a task is written in the transaction that found it unknown, and a job is changed only from the state in
which it was found, so a worker beside can neither claim such a job meanwhile nor lose what it holds.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, bindparam, case, func, select, update

from orchestrator.core.provider_facts import RETENTION_MS
from orchestrator.core.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    RESERVATION_TRANSITIONS,
    AttemptEvent,
    JobEvent,
    JobState,
    ReservationEvent,
    step,
)
from orchestrator.store.account import rate_limits
from orchestrator.store.attempts import picture_counts, predictions
from orchestrator.store.attempts.attempt_ids import next_attempt_id
from orchestrator.store.choosing import owning, told_choices
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LedgerKind, OutputState, attempts, events, jobs, outputs
from orchestrator.store.doubts import rebuilt_pictures
from orchestrator.store.doubts.paid_tasks import PaidTask
from orchestrator.store.money import ledger
from orchestrator.store.runs import adding, lost_sources, runs
from orchestrator.store.runs.output_paths import PathTakenError


class Recorded(StrEnum):
    """What became of a task."""

    ADDED = "added"
    COMPLETED = "completed"  # it was known, and pictures that were thought lost are recorded now
    KNOWN = "known"
    BUSY = "busy"  # its job has an attempt under way
    TAKEN = "taken"  # its paths belong to another manifest's jobs here


def complete_ones(tx: Tx, prediction_ids: Sequence[str]) -> set[str]:
    """Which of these tasks are recorded already, with no picture that is thought lost."""
    return set(tx.conn.execute(_COMPLETE, {"ids": list(prediction_ids)}).scalars())


def record(tx: Tx, tasks: Sequence[PaidTask]) -> list[Recorded]:
    """Record what is not known yet; a repeat changes nothing. Caps are not asked: the money is spent."""
    rate_limits.lock(tx)
    holders = predictions.holders(tx, [task.prediction_id for task in tasks])
    settled: list[ledger.Movement] = []
    answers = []
    for task in tasks:
        holder = holders.get(task.prediction_id)
        if holder is None:
            answers.append(_add(tx, task, settled))
        else:
            again = rebuilt_pictures.find_again(tx, task, holder[0])
            answers.append(Recorded.COMPLETED if again else Recorded.KNOWN)
    tx.deferred.write(tx)  # the reservations, which make the rows that the settlements change
    ledger.post(tx, settled)
    return answers


def _add(tx: Tx, task: PaidTask, settled: list[ledger.Movement]) -> Recorded:
    spec = task.run
    run = runs.find_run(tx=tx, campaign=spec.campaign, name=spec.name, run_key=spec.run_key)
    run = run or runs.ensure_run(tx, spec)
    try:
        adding.add_jobs(tx, run, [lost_sources.placed(tx, run.id, task.job)])
    except PathTakenError:
        return Recorded.TAKEN
    job_id = runs.existing_ids(tx, run.id, [task.job.key])[task.job.key]
    job = tx.conn.execute(dialect.lock_rows(tx.conn, _JOB), {"job": job_id}).one()
    if job.state == JobState.RUNNING:
        return Recorded.BUSY
    earlier = job.state == JobState.SUCCEEDED or bool(tx.conn.execute(_STORED, {"job": job_id}).scalar())
    numbers = set(tx.conn.execute(_NUMBERS, {"job": job_id}).scalars())
    number = task.number if task.number not in numbers else max(numbers) + 1
    attempt_id = _insert_attempt(tx=tx, task=task, job_id=job_id, run=run, number=number)
    if earlier:
        rebuilt_pictures.keep_beside(tx=tx, task=task, job_id=job_id, attempt_id=attempt_id, number=number)
        tx.conn.execute(_PAID, {"j_id": job_id, "cost": task.job.price_micros, "number": number})
    else:
        rebuilt_pictures.store(tx=tx, task=task, job_id=job_id, attempt_id=attempt_id)
        _succeed(tx=tx, task=task, job=job, number=number)
        lost_sources.restore(tx, job_id, task.job)
    owning.own_what_lies_there(tx, job_id)
    if task.choice is not None:
        told_choices.restore(tx, job_id, task.choice)
    if task.redo_of is not None:
        told_choices.restore_redo(tx, run.id, job_id=job_id, of=task.redo_of, by=task.redo_by)
    flagged = sum(1 for each in task.pictures if each.nsfw)
    picture_counts.add(tx, run.id, stored=len(task.pictures), flagged=flagged)
    _post(tx=tx, task=task, attempt_id=attempt_id, run=run, settled=settled)
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind="rebuilt",
            job_id=job_id,
            attempt_id=attempt_id,
            message=f"recorded from the sidecars of {len(task.pictures)} picture(s)",
        )
    )
    return Recorded.ADDED


def _insert_attempt(tx: Tx, task: PaidTask, *, job_id: int, run: runs.Run, number: int) -> int:
    """An attempt that has ended. The bill is read for it as for any other, unless it is so old that reading
    would begin far back for thousands of them: then what was paid is its price, until `reconcile` looks.
    """
    attempt_id = next_attempt_id(tx)
    assigned = step(ATTEMPT_TRANSITIONS, None, AttemptEvent.TASK_ASSIGNED)
    completed = step(ATTEMPT_TRANSITIONS, assigned, AttemptEvent.COMPLETED)
    held = step(RESERVATION_TRANSITIONS, None, ReservationEvent.RESERVED)
    tx.conn.execute(
        attempts.insert().values(
            id=attempt_id,
            job_id=job_id,
            run_id=run.id,
            campaign_id=run.campaign_id,
            number=number,
            state=step(ATTEMPT_TRANSITIONS, completed, AttemptEvent.STORED).value,
            token=task.token,
            worker="rebuild",
            epoch=1,
            lease_expires_at=task.completed_at,
            rate_granted_at=task.submitted_at,
            leased_at=task.submitted_at,
            submitted_at=task.submitted_at,
            accepted_at=task.accepted_at,
            completed_at=task.completed_at,
            finished_at=task.completed_at,
            prediction_id=task.prediction_id,
            status="completed",
            inference_ms=task.inference_ms,
            reservation=step(RESERVATION_TRANSITIONS, held, ReservationEvent.SETTLED).value,
            day=task.day,
            price_micros=task.job.price_micros,
            cost_micros=task.job.price_micros,
            billed_at=tx.now if tx.now - task.accepted_at > RETENTION_MS else None,
        )
    )
    return attempt_id


def _post(tx: Tx, task: PaidTask, *, attempt_id: int, run: runs.Run, settled: list[ledger.Movement]) -> None:
    """Post the reservation, and note its settlement for the end of the transaction."""
    price = task.job.price_micros
    about: dict[str, Any] = {
        "attempt_id": attempt_id,
        "run_id": run.id,
        "campaign_id": run.campaign_id,
        "day": task.day,
        "note": "recorded from sidecars",
    }
    ledger.post(tx, [ledger.Movement(kind=LedgerKind.RESERVE, held_delta=price, **about)])
    settled.append(ledger.Movement(kind=LedgerKind.SETTLE, held_delta=-price, spent_delta=price, **about))


def _succeed(tx: Tx, task: PaidTask, *, job: Row[Any], number: int) -> None:
    """The job has its pictures: from the state in which it was found, or not at all."""
    found = JobState(job.state)
    waiting = found if found is JobState.PENDING else step(JOB_TRANSITIONS, found, JobEvent.RETRIED)
    running = step(JOB_TRANSITIONS, waiting, JobEvent.TASK_ASSIGNED)
    short = len(task.pictures) < task.job.images
    tx.conn.execute(
        _SUCCEED,
        {
            "j_id": job.id,
            "v_from": job.state,
            "v_state": step(JOB_TRANSITIONS, running, JobEvent.ATTEMPT_SUCCEEDED).value,
            "v_at": task.completed_at,
            "v_reason": "fewer_outputs" if short else None,
            "v_message": f"{len(task.pictures)} of {task.job.images} were in the folder" if short else None,
            "cost": task.job.price_micros,
            "number": number,
        },
    )


_COUNTED: Final = {
    "cost_micros": jobs.c.cost_micros + bindparam("cost"),
    "attempts": case((jobs.c.attempts < bindparam("number"), bindparam("number")), else_=jobs.c.attempts),
}
_PAID: Final = update(jobs).where(jobs.c.id == bindparam("j_id")).values(**_COUNTED)
_SUCCEED: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("j_id"), jobs.c.state == bindparam("v_from"))
    .values(
        state=bindparam("v_state"),
        queue=None,
        due_at=None,
        finished_at=bindparam("v_at"),
        reason=bindparam("v_reason"),
        message=bindparam("v_message"),
        **_COUNTED,
    )
)
_INCOMPLETE: Final = select(outputs.c.attempt_id).where(
    outputs.c.job_id == attempts.c.job_id,
    outputs.c.attempt_id == attempts.c.id,
    outputs.c.state.in_([OutputState.LOST.value, OutputState.ABSENT.value]),
)
_COMPLETE: Final = select(attempts.c.prediction_id).where(
    attempts.c.prediction_id.in_(bindparam("ids", expanding=True)), ~_INCOMPLETE.exists()
)
_JOB: Final = select(jobs.c.id, jobs.c.state).where(jobs.c.id == bindparam("job"))
_NUMBERS: Final = select(attempts.c.number).where(attempts.c.job_id == bindparam("job"))
_STORED: Final = select(func.count()).where(
    outputs.c.job_id == bindparam("job"), outputs.c.state == OutputState.STORED.value
)
