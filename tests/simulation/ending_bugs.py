"""Bugs planted where it is decided that a task has ended, and how."""

from dataclasses import replace

from orchestrator.worker.pipeline import poll
from orchestrator.worker.pipeline.lateness import Lateness
from orchestrator.worker.pipeline.task_endings import TaskEndings

from .planting import Mutation, Patch


def nothing_is_overdue(patch: Patch) -> None:
    """A task that never ends is waited for, for ever."""
    patch(Lateness, "_is_overdue", lambda self, polled: False)


def refusal_is_tried_again(patch: Patch) -> None:
    """What the provider refuses in its models' words is taken for a failure of its own."""
    genuine = TaskEndings.fail

    async def fail(self, polled, prediction, verdict, *, charged):
        await genuine(self, polled, prediction, replace(verdict, retry=not charged), charged=charged)

    patch(TaskEndings, "fail", fail)


def no_outputs_at_first_look(patch: Patch) -> None:
    """A task that has completed and shows no outputs yet is taken to have none."""
    patch(poll, "EMPTY_MAX_MS", 0)


ENDING_BUGS = (
    Mutation(name="nothing is overdue", apply=nothing_is_overdue, theme="mixed", first=57),
    Mutation(name="a refusal is tried again", apply=refusal_is_tried_again, theme="mixed", first=3),
    Mutation(name="no outputs at the first look", apply=no_outputs_at_first_look, theme="mixed", first=77),
)
