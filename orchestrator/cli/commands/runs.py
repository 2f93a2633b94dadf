"""`orchestrator runs`: list, approve, prioritise, resume."""

import click

from orchestrator.actions.operator import order, pausing
from orchestrator.actions.setup.open_database import Use
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import SANDBOX, group
from orchestrator.cli.context import opened
from orchestrator.cli.invocation import Step, next_fields
from orchestrator.cli.onward import onward
from orchestrator.cli.rendering.documents import run_document
from orchestrator.cli.rendering.words import count, safe, table, usd
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.money import format_usd
from orchestrator.store.views.runs import overview
from orchestrator.store.views.runs.named_runs import path_of
from orchestrator.store.views.runs.overview import RunRow


@group("runs", short_help="List, approve, resume and order runs.")
def command() -> None:
    """List runs, approve the canary of one, let one go on, put one before others."""


@command.command("list")
@SANDBOX
def list_runs() -> ExitCode:
    """Every run with its jobs and money. With --json one object a line."""
    with opened(use=Use.LOOK) as app, app.database.read() as tx:
        rows = overview.runs(tx)
    if out.as_json():
        for item in rows:
            out.line(run_document(item))
    elif not rows:
        out.answer("No runs yet. They begin with: orchestrator apply MANIFEST")
    else:
        header = ["run", "waiting", "running", "done", "failed", "spent", "held"]
        out.answer(table(header, [_row(item) for item in rows], right=frozenset(range(1, 7))))
    return ExitCode.DONE


@command.command("approve", short_help="Let RUN go on after its canary.")
@click.argument("run")
@why_option
@SANDBOX
def approve(run: str, why: str | None) -> ExitCode:
    """Let all jobs of RUN be made: its canary is good. Spends nothing until a worker runs.

    A run whose manifest has a `canary:` waits for this once the canary is made. It can be approved earlier.
    """
    from orchestrator.actions.operator.approve import approve as approve_run

    with opened() as app:
        done = approve_run(app.database, run, signature_of("runs approve", why))
        steps = _onward(app, done.run_id, "makes the rest, where no worker runs") if done.jobs else []
    if out.as_json():
        out.document(
            {
                "run": done.run,
                "changed": done.changed,
                "jobs": done.jobs,
                "images": done.images,
                "cost_usd": format_usd(done.cost_micros),
                **next_fields(steps),
            }
        )
        return ExitCode.DONE
    early = f" Not over yet: {count(done.unfinished, 'job')} of its canary." if done.unfinished else ""
    word = f"is approved.{early}" if done.changed else "was approved already."
    rest = f"{count(done.jobs, 'job')} for {usd(done.cost_micros)} at most" if done.jobs else "No job"
    waits = "wait" if done.jobs > 1 else "waits"
    out.answer(f"Run {safe(done.run)} {word} {rest} {waits}.")
    out.next_steps(steps)
    return ExitCode.DONE


@command.command("prioritise", short_help="Work on RUN before others.")
@click.argument("run")
@click.option(
    "--priority", type=click.IntRange(-(10**6), 10**6), metavar="N", help="This priority; higher is first."
)
@click.option("--reset", is_flag=True, help="Let the manifest's priority count again.")
@why_option
@SANDBOX
def prioritise(run: str, priority: int | None, *, reset: bool, why: str | None) -> ExitCode:
    """Work on RUN before all others, from the next claim of any worker on.

    Without --priority it gets one more than the highest of the others that have work. It counts before the
    manifest's `priority`, also when that is applied again. Spends nothing by itself.
    """
    if reset and priority is not None:
        raise UsageError("Say --priority N or --reset, not both. Nothing was changed.")
    with opened() as app:
        signed = signature_of("runs prioritise", why)
        done = order.prioritise_run(
            database=app.database, run=run, priority=priority, signed=signed, reset=reset
        )
        steps = _onward(app, done.run_id, "makes it, where no worker runs")
    if out.as_json():
        changed = {"run": done.run, "old": done.old, "new": done.new, "changed": done.old != done.new}
        out.document({**changed, **next_fields(steps)})
        return ExitCode.DONE
    word = f"now has priority {done.new} instead of {done.old}" if done.new != done.old else _kept(done.new)
    out.answer(f"Run {safe(done.run)} {word}.")
    out.next_steps(steps)
    return ExitCode.DONE


@command.command("resume", short_help="Let RUN go on after a breaker.")
@click.argument("run")
@why_option
@SANDBOX
def resume(run: str, why: str | None) -> ExitCode:
    """Let RUN go on that a breaker or a guard has paused. What ended before counts no more for them.

    A canary that waits for approval is let go by `runs approve`, a campaign by `campaigns resume`.
    """
    with opened() as app:
        with app.database.write() as tx:
            found, changed = pausing.resume_run(tx, run, signature_of("runs resume", why))
        steps = _onward(app, found.id, "goes on with what waits") if changed else []
    path = path_of(found)
    if out.as_json():
        out.document({"run": path, "changed": changed, **next_fields(steps)})
        return ExitCode.DONE
    out.answer(f"Run {safe(path)} {'goes on' if changed else 'was not paused by a breaker'}.")
    out.next_steps(steps)
    return ExitCode.DONE


def _onward(app: App, run_id: int, words: str) -> list[Step]:
    with app.database.read() as tx:
        return onward(tx, app.settings.budgets.timezone, [run_id], words=words)


def _kept(priority: int) -> str:
    return f"has priority {priority} already, and no run with work has as much"


def _row(item: RunRow) -> list[str]:
    states = [f"{item.jobs[state]:,}" for state in ("pending", "running", "succeeded", "failed")]
    return [safe(path_of(item), 60), *states, usd(item.spent_micros), usd(item.held_micros)]
