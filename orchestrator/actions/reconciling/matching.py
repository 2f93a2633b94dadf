"""Whose are the tasks that this database does not know? Decided from what the provider shows and what is on
disk.

A restored database has lost what the original bought since the backup. In order:

1. A picture of a pending job is on disk, and its sidecar names the task and asks for just what the job asks
   for: it is that job's.
2. The list shows the task with exactly what a pending job would send: it is that job's.
3. Anything else is for a person. It may be what a pending job of its model is about to buy again: any of
   them, unless the list shows what was asked for; and it does so reliably only where it was seen to show
   inputs as they were sent, since where a provider rewrites inputs none are equal. Where no pending job can
   want it, it may be of a manifest that the backup does not know yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.core.evidence import inputs_digest
from orchestrator.ports import Prediction
from orchestrator.store.doubts.adoption import PendingJob

CANDIDATES_MAX: Final = 5  # jobs named for each task that may be theirs


@dataclass(frozen=True, slots=True)
class UnmatchedTask:
    """A task that may be ours."""

    task: Prediction
    jobs: tuple[int, ...]  # the first few of the pending jobs that may want it; none when no job can


@dataclass(slots=True)
class Matching:
    """Every unknown task in exactly one of these."""

    adopted: list[tuple[Prediction, int]] = field(default_factory=list)  # and the job that wants just this
    possible: list[UnmatchedTask] = field(default_factory=list)


def match_tasks(
    tasks: Sequence[Prediction],
    jobs: Iterable[PendingJob],
    kept: Mapping[int, str],
    *,
    inputs_trusted: bool,
) -> Matching:
    """Divide unknown tasks by the rules above; a task is given to one job, and a job gets one task.

    `kept`: by job, the task that a picture of the job on disk is from. `inputs_trusted`: the list is seen to
    show inputs as they were sent (an exact match with a pending job shows it as well).
    """
    left = {task.id: task for task in tasks}
    shown = _Shown([task for task in tasks if task.inputs is not None])
    found = Matching()
    others: list[PendingJob] = []
    on_disk = set(kept.values())
    for job in jobs:
        name = kept.get(job.job_id)
        task = left.get(name) if name else None
        if task is None and job.inputs is not None:
            alike = shown.asking_for(job.inputs, job.model)
            task = next((one for one in alike if one.id in left and one.id not in on_disk), None)
            inputs_trusted = inputs_trusted or task is not None
        if task is None or not job.waits or task.model not in {None, job.model}:
            others.append(job)
            continue
        found.adopted.append((task, job.job_id))
        del left[task.id]
    wanted = _candidates(left, others, shown, inputs_trusted=inputs_trusted)
    found.possible = [UnmatchedTask(task, tuple(wanted.get(task.id, ()))) for task in left.values()]
    return found


class _Shown:
    """Tasks whose inputs are shown, found by what they ask for."""

    def __init__(self, tasks: Sequence[Prediction]) -> None:
        self._tasks = tasks
        self._by_digest: dict[tuple[str, ...], dict[str, list[Prediction]]] = {}

    def asking_for(self, inputs: Mapping[str, Any], model: str) -> list[Prediction]:
        """Those of the model whose inputs have just these values; inputs that are not named here do not
        count.
        """
        keys = tuple(sorted(inputs))
        if keys not in self._by_digest:
            index: dict[str, list[Prediction]] = {}
            for task in self._tasks:
                index.setdefault(inputs_digest(task.inputs or {}, keys), []).append(task)
            self._by_digest[keys] = index
        alike = self._by_digest[keys].get(inputs_digest(inputs, keys), [])
        return [task for task in alike if task.model in {None, model}]


def _candidates(
    left: Mapping[str, Prediction], jobs: Sequence[PendingJob], shown: _Shown, *, inputs_trusted: bool
) -> dict[str, list[int]]:
    """For each task the first few jobs that may have bought it."""
    first: dict[str, list[int]] = {}
    for job in jobs:
        if len(mine := first.setdefault(job.model, [])) < CANDIDATES_MAX:
            mine.append(job.job_id)
    of_any = sorted(job_id for ids in first.values() for job_id in ids)[:CANDIDATES_MAX]
    wanted = {
        task.id: first.get(task.model, []) if task.model else of_any
        for task in left.values()
        if task.inputs is None or not inputs_trusted
    }
    for job in jobs if inputs_trusted else ():
        for task in shown.asking_for(job.certain, job.model):
            mine = wanted.setdefault(task.id, [])
            if task.id in left and len(mine) < CANDIDATES_MAX:
                mine.append(job.job_id)
    return {name: ids for name, ids in wanted.items() if ids and name in left}
