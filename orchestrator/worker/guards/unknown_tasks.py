"""Whose may a task be that this database does not know: a lost reply's, or what a waiting job would buy?"""

from collections.abc import Sequence

from orchestrator.core.evidence import SKEW_MS, inputs_digest
from orchestrator.ports import Prediction
from orchestrator.store.doubts.adoption import PendingJob
from orchestrator.store.doubts.doubts import Unanswered


def equal_jobs(tasks: Sequence[Prediction], waiting: Sequence[PendingJob]) -> dict[int, str]:
    """By job, the unknown task that asks for just what the job would send; each task is one job's."""
    left = [task for task in tasks if task.inputs is not None]
    found: dict[int, str] = {}
    for job in waiting:
        keys = tuple(sorted(job.certain))
        wanted = inputs_digest(job.certain, keys)
        task = next(
            (
                one
                for one in left
                if job.waits
                and one.model in {None, job.model}
                and inputs_digest(one.inputs or {}, keys) == wanted
            ),
            None,
        )
        if task is not None:
            left.remove(task)
            found[job.job_id] = task.id
    return found


def unexplained(
    unknown: Sequence[Prediction], unanswered: Sequence[tuple[Unanswered, int]], *, inputs_trusted: bool
) -> list[Prediction]:
    """The unknown predictions that are left when every unanswered POST has explained one that it may have
    created.

    Each POST comes with the time until which it may have created something. Where the list is seen to show
    what was sent (`inputs_trusted`), a POST explains only a task that asks for the same.
    """
    left = list(unanswered)
    unexpected: list[Prediction] = []
    for item in sorted(unknown, key=lambda item: (item.created_at_ms or 0, item.id)):
        fits = next((post for post in left if _may_be(item, *post, inputs_trusted=inputs_trusted)), None)
        if fits is None:
            unexpected.append(item)
        else:
            left.remove(fits)
    return unexpected


def _may_be(item: Prediction, post: Unanswered, until: int, *, inputs_trusted: bool) -> bool:
    """Whether that POST may have created it: asked for the same, as far as that is shown, at a time when
    it could.
    """
    known = inputs_trusted and item.inputs is not None and post.digest is not None
    if known and inputs_digest(item.inputs or {}, post.keys) != post.digest:
        return False
    return item.model in {None, post.model} and (
        item.created_at_ms is None or post.sent_at - SKEW_MS <= item.created_at_ms <= until + SKEW_MS
    )
