"""The exit code of finished or stopped work: a pure function of what the database says."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from orchestrator.core.errors import ExitCode
from orchestrator.store.account.pauses import FINISH_BY
from orchestrator.store.stops.stops import BUDGET, Stoppage
from orchestrator.store.views.runs.progress import Progress

LIMITS: Final = frozenset({BUDGET, FINISH_BY})
"""What the user set a limit to: money, and time. Reaching it is no trouble."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of the jobs in question after a worker has stopped."""

    left: int  # waiting or running
    failed: int
    in_doubt: int
    needs_operator: bool  # something about them is stopped until an operator acts
    over_budget: bool  # no cap admits the next of them, or their time is over (`finish_by`)
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


def facts_of(progress: Progress, stops: Iterable[Stoppage], *, interrupted: bool) -> RunFacts:
    """The facts in a view of some runs; `stops` holds what is stopped anywhere."""
    mine = [stop for stop in stops if concerns(stop, progress)]
    return RunFacts(
        left=progress.left,
        failed=progress.jobs["failed"],
        in_doubt=progress.in_doubt,
        needs_operator=any(stop.until is None and stop.reason not in LIMITS for stop in mine),
        over_budget=any(stop.reason in LIMITS for stop in mine),
        interrupted=interrupted,
    )


def concerns(stop: Stoppage, progress: Progress) -> bool:
    """Whether a stop is about one of the runs of this view."""
    match stop.scope:
        case "account":
            return True
        case "worker":
            return False  # the others go on; that no worker can is a stop of the account
        case "campaign":
            return any(run.campaign == stop.name for run in progress.runs)
        case "run":
            return any(str(run.id) == stop.key for run in progress.runs)
        case _:
            return any(run.model == stop.name for run in progress.runs)
