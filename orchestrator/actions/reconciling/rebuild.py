"""Make the rows of a lost database again, from the sidecars of the pictures. Buys nothing, changes no file.

The folder is read twice: first to learn which pictures belong to one task, then task by task to compare the
bytes and write. Rows go in by batches, each durable at once, so one that was interrupted is completed by
running it again; what is recorded already is left as it is.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.actions.reconciling.sidecar_tasks import (
    digest_of,
    index_of,
    job_spec_of,
    newest_choice,
    prediction_of,
    run_spec_of,
    task_of,
)
from orchestrator.core.money import format_usd
from orchestrator.core.sidecar import SidecarError, key_of, run_of
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.ports import Entropy, KeptPicture, PictureState, Shelf
from orchestrator.store.account import acts, workers
from orchestrator.store.db.database import Database
from orchestrator.store.doubts import rebuilding
from orchestrator.store.doubts.paid_tasks import PaidTask
from orchestrator.store.doubts.rebuilding import Recorded

SUBJECT: Final = "rows made from the sidecars of pictures"
BATCH: Final = 100
"""Tasks in one transaction: a worker beside waits for it about as long as for one of its own."""

Tell = Callable[[str, str], None]
"""Gets the path of a picture that could not be recorded as it should, and why."""

Progress = Callable[[int, int], None]
"""Gets how many tasks of how many have been looked at."""

Planned = Iterable[tuple[RunSpec, JobSpec]]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild has found and done."""

    tasks: int = 0  # recorded now
    pictures: int = 0
    cost_micros: int = 0
    known: int = 0  # tasks that were recorded already
    problems: int = 0
    runs: set[tuple[str, str, str]] = field(default_factory=set)


@dataclass(slots=True)
class _Group:
    """The pictures of one task, by where they lie, and the order in which it is recorded."""

    prediction_id: str
    order: tuple[str, int, int]
    paths: list[str]


class Rebuild:
    """One rebuild of one database from one folder."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        entropy: Entropy,
        *,
        timezone: str,
        tell: Tell,
        progress: Progress,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._entropy = entropy
        self._timezone = timezone
        self._tell = tell
        self._progress = progress
        self._done = Rebuilt()
        self._specs: dict[str, tuple[RunSpec, JobSpec]] = {}  # of pictures that a manifest explains

    def run(self, signed: acts.Signature, planned: Planned = ()) -> Rebuilt:
        """Record every task of the folder. `planned` are the jobs of manifests, which say what sidecars of
        older versions leave out.
        """
        self._explain(planned)
        groups = self._grouped()
        for start in range(0, len(groups), BATCH):
            batch = groups[start : start + BATCH]
            with self._database.read() as tx:
                known = rebuilding.complete_ones(tx, [group.prediction_id for group in batch])
            self._done.known += len(known)
            new = [group for group in batch if group.prediction_id not in known]
            self._record([task for group in new if (task := self._task(group)) is not None], signed)
            self._progress(start + len(batch), len(groups))
        if self._done.tasks:
            with self._database.write() as tx:
                acts.record(tx, signed, acts.Change(SUBJECT, new=self._words()))
        return self._done

    def _words(self) -> str:
        done = self._done
        return f"{done.tasks} tasks, {done.pictures} pictures, ${format_usd(done.cost_micros)}"

    def _explain(self, planned: Planned) -> None:
        """Find the planned job of each picture whose sidecar names no run."""
        for run, job in planned:
            for kept in (kept for path in job.output_paths for kept in self._shelf.near(path)):
                if kept.said and run_of(kept.said) is None and key_of(kept.said, job.variation) == job.key:
                    self._specs[kept.path] = (run, job)

    def _grouped(self) -> list[_Group]:
        """The pictures by task, jobs in the order in which they were planned: of the tries of a name the
        later one is the newer. Of a job's tasks the newest comes first, because it is the one that counts.
        """
        groups: dict[str, _Group] = {}
        for kept in self._shelf.everything():
            try:
                name, order = _place(kept, self._specs)
            except SidecarError as error:
                self._problem(kept.path, str(error))
                continue
            groups.setdefault(name, _Group(name, order, [])).paths.append(kept.path)
        return sorted(groups.values(), key=lambda group: group.order)

    def _task(self, group: _Group) -> PaidTask | None:
        """The task, with every picture that its sidecars tell of; None when they tell too little."""
        kept: dict[int, KeptPicture] = {}
        for each in self._read(group):
            said = each.said or {}
            index = index_of(said) if isinstance(said.get("output_index"), int) else -1
            if index in kept:
                self._problem(each.path, f"it is a copy of {kept[index].path}")
                continue
            kept[index] = each
        pictures = [kept[index] for index in sorted(kept)]
        if not pictures:
            return None
        try:
            said = pictures[0].said or {}
            run, job = self._specs.get(pictures[0].path) or (run_spec_of(said), job_spec_of(said))
            token = self._entropy.token()
            task = task_of(pictures, run, job, token=token, timezone=self._timezone)
        except SidecarError as error:
            self._problem(pictures[0].path, str(error))
            return None
        self._compare(task)
        try:
            return replace(task, choice=newest_choice(pictures))
        except SidecarError as error:  # what was paid for is recorded all the same
            self._problem(pictures[0].path, str(error))
            return task

    def _compare(self, task: PaidTask) -> None:
        for each in task.pictures:
            state = self._shelf.state(each.stored_path, sha256=each.sha256, size=each.bytes)
            if state is not PictureState.SAME:
                self._problem(each.stored_path, _NOT_AS_IT_WAS[state])

    def _read(self, group: _Group) -> Iterator[KeptPicture]:
        for path in group.paths:
            kept = self._shelf.read(path)
            try:
                digest_of(kept.said or {})
            except SidecarError as error:
                self._problem(path, kept.why or str(error))
                continue
            yield kept

    def _record(self, tasks: list[PaidTask], signed: acts.Signature) -> None:
        if not tasks:
            return
        self._database.require_in_place()
        with self._database.write() as tx:
            answers = rebuilding.record(tx, tasks)
            if not self._done.tasks and not _ADDED.isdisjoint(answers):
                acts.record(tx, signed, acts.Change(SUBJECT, new="begun"))  # with the first rows
            beside = workers.any_alive(tx)
        if beside:
            self._database.give_way()
        for task, answer in zip(tasks, answers, strict=True):
            self._count(task, answer)

    def _count(self, task: PaidTask, answer: Recorded) -> None:
        if answer in _LEFT:
            self._problem(task.pictures[0].stored_path, _LEFT[answer])
        elif answer is Recorded.KNOWN:
            self._done.known += 1
        else:
            self._done.tasks += 1
            self._done.pictures += len(task.pictures)
            self._done.cost_micros += task.job.price_micros if answer is Recorded.ADDED else 0
            self._done.runs.add((task.run.campaign, task.run.name, task.run.run_key))

    def _problem(self, path: str, why: str) -> None:
        self._done.problems += 1
        self._tell(path, why)


def _place(kept: KeptPicture, explained: Container[str]) -> tuple[str, tuple[str, int, int]]:
    """The task of a picture, and its place in the order; raises SidecarError."""
    if kept.said is None:
        raise SidecarError(kept.why)
    name = prediction_of(kept.said)
    if kept.path not in explained:
        run_spec_of(kept.said)
    number, job = kept.said.get("number", 1), kept.said.get("job", 0)
    if not isinstance(number, int) or not isinstance(job, int):
        raise SidecarError("its sidecar has an odd `number` or `job`")
    return name, (str(kept.said.get("database")), job, -number)


_ADDED: Final = frozenset({Recorded.ADDED, Recorded.COMPLETED})
_LEFT: Final = {
    Recorded.BUSY: "its job has an attempt under way: run this again when that has ended",
    Recorded.TAKEN: "its name belongs to a job of another manifest in this database",
}
_NOT_AS_IT_WAS: Final = {
    PictureState.MISSING: "recorded, but the file is gone: get it again with `outputs check --fetch`",
    PictureState.CHANGED: "recorded, but the file has other bytes now: see `outputs check`",
    PictureState.UNREADABLE: "recorded, but the file cannot be read",
}
