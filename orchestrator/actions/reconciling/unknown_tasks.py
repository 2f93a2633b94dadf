"""Tasks that this database does not know: each is given to a job, noted, or left to a person."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from orchestrator.actions.reconciling.matching import UnmatchedTask, match_tasks
from orchestrator.actions.reconciling.reconciliation import Period, Reconciliation
from orchestrator.core.evidence import shown_as_sent
from orchestrator.ports import Entropy, Prediction
from orchestrator.store.account import pauses
from orchestrator.store.account.acts import Change, Signature, record, record_all
from orchestrator.store.attempts import leases, predictions, releases
from orchestrator.store.attempts.attempt_ids import highest_attempt_id
from orchestrator.store.attempts.predictions import sent_digests
from orchestrator.store.db import identity
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.doubts import adoption
from orchestrator.store.doubts.doubts import unsettled
from orchestrator.store.runs import held_jobs
from orchestrator.store.runs.runs import models_in_use

Sidecars = Callable[[str], Mapping[str, Any] | None]
"""What is recorded with the picture planned for a path; see `ArtifactStore.sidecar`."""

NAMED_MAX = 5
"""So many tasks are named in the act of a person who says that they are not ours."""


def sort_out(
    database: Database,
    listed: Sequence[Prediction],
    entropy: Entropy,
    period: Period,
    report: Reconciliation,
    *,
    sidecars: Sidecars,
    signed: Signature,
    not_ours: bool,
) -> None:
    """Give unknown tasks of our models to the jobs that want them, note or report the others.

    Nothing is done while a reply is lost: it may explain an unknown task, and a worker resolves it first. The
    stop for unknown tasks is lifted when none is left.
    """
    _release(database)
    with database.read() as tx:
        models = models_in_use(tx)
        mine = [item for item in listed if item.model is None or item.model in models]
        unknown = predictions.unknown(tx, [item.id for item in mine])
        jobs = list(adoption.pending_jobs(tx, period.base_url)) if unknown else []
    kept = _kept(jobs, unknown, sidecars)  # reads many files, so in no transaction
    with database.write() as tx:
        report.in_doubt = unsettled(tx)
        if report.in_doubt:
            return
        _take_in(
            tx=tx,
            report=report,
            mine=mine,
            jobs=jobs,
            kept=kept,
            entropy=entropy,
            period=period,
            not_ours=not_ours,
        )
        _record(tx, report, signed)
        if not report.possible:
            # not every key may read the bill
            pauses.end(tx=tx, scope="account", name="", reason="unknown_tasks")
            held_jobs.release(tx)
            report.mark = (identity.database_id(tx), highest_attempt_id(tx))


def _record(tx: Tx, report: Reconciliation, signed: Signature) -> None:
    """The acts of this person: what was adopted on his command, and what he says is not ours."""
    adopted = [
        Change(f"job {job_id}", "waiting", f"has task {task}", job_id=job_id)
        for task, job_id in report.adopted
    ]
    record_all(tx, signed, adopted)
    if report.unknown:
        names = ", ".join(task.id for task in report.unknown[:NAMED_MAX])
        more = f" and {len(report.unknown) - NAMED_MAX:,} more" if len(report.unknown) > NAMED_MAX else ""
        record(tx, signed, Change(f"task {names}{more}", "unknown", "not ours"))


def _release(database: Database) -> None:
    """Let all that lost workers had claimed and not sent wait again: an unknown task may be what it
    wanted.
    """
    released = leases.RESCUE_MAX
    while released == leases.RESCUE_MAX:
        with database.write() as tx:
            released = releases.release_unsent(tx)


def _kept(jobs: Iterable[adoption.PendingJob], unknown: Container[str], sidecars: Sidecars) -> dict[int, str]:
    """For each pending job the unknown task whose picture, of just what the job asks for, is on disk."""
    kept: dict[int, str] = {}
    for job in jobs:
        said = sidecars(job.path) or {}
        asked = (said.get("model"), said.get("params"), said.get("local_images", {}))
        name = str(said.get("prediction_id"))
        if name in unknown and asked == (job.model, job.params, job.local_images):
            kept[job.job_id] = name
    return kept


def _take_in(
    tx: Tx,
    report: Reconciliation,
    mine: Sequence[Prediction],
    jobs: Sequence[adoption.PendingJob],
    kept: Mapping[int, str],
    entropy: Entropy,
    period: Period,
    *,
    not_ours: bool,
) -> None:
    """Adopt, note or hold every listed task of our models that nobody has; `jobs` waited a moment ago."""
    unknown = predictions.unknown(tx, [item.id for item in mine])
    if not unknown:
        return
    sent = sent_digests(tx, [item.id for item in mine if item.id not in unknown])
    trusted = shown_as_sent(
        ((item.inputs, sent[item.id]) for item in mine if item.id in sent),
        {tuple(sorted(job.params)) for job in jobs},
    )
    gap = [item for item in mine if item.id in unknown]
    found = match_tasks(gap, jobs, kept, inputs_trusted=trusted)
    if not_ours:
        for task in (possible.task for possible in found.possible):
            predictions.mark_foreign(
                tx=tx,
                prediction_id=task.id,
                model=task.model,
                created_at=task.created_at_ms,
                why="an operator said that it is not ours",
            )
            report.unknown.append(task)
    else:
        report.possible += found.possible
    for task, job_id in found.adopted:
        token = entropy.token()
        if adoption.assign(
            tx, job_id, task.id, status=task.status_text, token=token, timezone=period.timezone
        ):
            report.adopted.append((task.id, job_id))
        # claimed a moment ago, it may be bought again; what a person says of strangers does not mean this
        # task
        else:
            report.possible.append(UnmatchedTask(task, (job_id,)))
