"""The exit code of finished or stopped work: a pure function of what the database says."""

from dataclasses import dataclass

from orchestrator.core.errors import ExitCode
from orchestrator.store.views import Progress, StoppedRow


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What became of the jobs in question after a worker has stopped."""

    left: int  # waiting or running
    failed: int
    in_doubt: int
    needs_operator: bool  # something about them is stopped until an operator acts
    over_budget: bool  # no cap admits the next of them
    interrupted: bool


def exit_code(facts: RunFacts) -> ExitCode:
    """The one code that says most about what to do next.

    An interrupt counts only while work is left. Of the rest the one that needs a person comes first: in doubt
    or stopped for an operator, then a budget, then failed jobs. Work that is left without any known reason is
    an error.
    """
    if facts.interrupted and facts.left:
        return ExitCode.INTERRUPTED
    if facts.in_doubt or (facts.needs_operator and facts.left):
        return ExitCode.OPERATOR
    if facts.over_budget and facts.left:
        return ExitCode.BUDGET
    if facts.left:
        return ExitCode.UNEXPECTED
    return ExitCode.SOME_FAILED if facts.failed else ExitCode.DONE


def facts_of(progress: Progress, stopped: list[StoppedRow], *, interrupted: bool) -> RunFacts:
    """The facts in a view of some runs; `stopped` holds what is stopped anywhere."""
    mine = [row for row in stopped if concerns(row, progress)]
    return RunFacts(
        left=progress.left,
        failed=progress.jobs["failed"],
        in_doubt=progress.in_doubt,
        needs_operator=any(row.until is None and row.reason != "budget" for row in mine),
        over_budget=any(row.reason == "budget" for row in mine),
        interrupted=interrupted,
    )


def concerns(row: StoppedRow, progress: Progress) -> bool:
    """Whether a stop is about one of the runs of this view."""
    if row.kind == "account":
        return True
    if row.kind == "campaign":
        return row.scope.removeprefix("campaign ") in {run.campaign for run in progress.runs}
    if row.kind == "run":
        return row.name in {str(run.id) for run in progress.runs}
    return row.name in {run.model for run in progress.runs}
