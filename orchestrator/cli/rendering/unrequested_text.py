"""Jobs that wait in a run and are not asked for, in words: they would be made too, and cost money."""

import shlex

from orchestrator.actions.planning.planned import ManifestPlan
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.store.runs.unrequested import Unrequested


def plan_others(row: ManifestPlan, *, run_key: str | None, sandbox: bool) -> list[str]:
    """What the plan of one manifest has to say about them: a sentence, or nothing."""
    if row.prune and row.others.jobs:
        return [
            f"{_waiting(row.others)} of this run are not in {safe(row.path)} any more; --prune cancels them"
        ]
    return others_text(row.others, row.path, partial=row.partial, run_key=run_key, sandbox=sandbox)


def others_text(
    others: Unrequested, path: str, *, partial: bool, run_key: str | None, sandbox: bool = False
) -> list[str]:
    """The same for what was applied. `run_key` is the one given on the command line, if any."""
    if not others.jobs:
        return []
    if partial:
        left = "outside of --limit or --sample; `work` makes them too, and `run` refuses a part beside them"
        return [f"{_waiting(others)} of this run are {left}"]
    command = prune_command(path, run_key=run_key, sandbox=sandbox)
    left = f"not in {safe(path)} any more; they will be made too. To drop them: {safe(command)}"
    return [f"{_waiting(others)} of this run are {left}"]


def prune_command(path: str, *, run_key: str | None, sandbox: bool) -> str:
    """The command that drops them, ready to be copied."""
    verb = "run" if sandbox else "apply"
    run = f" --run {shlex.quote(run_key)}" if run_key is not None else ""
    return f"orchestrator {verb} {shlex.quote(path)}{run}{' --sandbox' if sandbox else ''} --prune"


def _waiting(others: Unrequested) -> str:
    return f"{count(others.jobs, 'waiting job')} ({usd(others.cost_micros)})"
