"""Jobs that wait in a run and are not asked for, in words: they would be made too, and cost money."""

from orchestrator.actions.planning.figures.planned import ManifestPlan
from orchestrator.cli.invocation import Asked, complete
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.store.runs.unrequested import Unrequested


def plan_others(row: ManifestPlan, asked: Asked) -> list[str]:
    """What the plan of one manifest has to say about them: a sentence, or nothing."""
    if row.prune and row.others.jobs:
        return [
            f"{_waiting(row.others)} of this run are not in {safe(row.path)} any more; --prune cancels them"
        ]
    return others_text(row.others, row.path, asked)


def others_text(others: Unrequested, path: str, asked: Asked) -> list[str]:
    """The same for what was applied."""
    if not others.jobs:
        return []
    if asked.part.partial:
        left = "outside of --limit or --sample; `run` leaves them waiting, `work` makes them too"
        return [f"{_waiting(others)} of this run are {left}"]
    command = prune_command(path, asked)
    left = f"not in {safe(path)} any more; they will be made too. To drop them: {safe(command)}"
    return [f"{_waiting(others)} of this run are {left}"]


def prune_command(path: str, asked: Asked) -> str:
    """The command that drops them, ready to be copied."""
    return complete(asked.command("run" if asked.sandbox else "apply", "--prune", only=path, whole=True))


def _waiting(others: Unrequested) -> str:
    return f"{count(others.jobs, 'waiting job')} ({usd(others.cost_micros)})"
