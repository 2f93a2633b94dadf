"""`orchestrator redo`: another try of a job, as a waiting job beside it."""

from collections.abc import Sequence
from typing import Any

import click

from orchestrator.actions.choosing.redo import Redone, redo
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.asking import pricing
from orchestrator.cli.base import ROW_ID, SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.jobs.redo_text import redone_document, redone_text
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.cli.selecting import confirm, ending, filters, ids_or_filter
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode, UsageError


@declare("redo", short_help="Ask for another try of a job; spends nothing by itself.")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@filters
@click.option("--prompt", metavar="TEXT", help="Another prompt, as it is to be sent.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Another value of a parameter; may repeat."
)
@click.option("--note", metavar="TEXT", help="Why, as --why.")
@click.option(
    "--request", metavar="WORD", help="The same word makes one job of a job, however often it comes."
)
@click.option("--yes", is_flag=True, help="Act on all that a filter names without asking.")
@click.option("--dry-run", is_flag=True, help="Say how many and what they cost; change nothing.")
@why_option
@SANDBOX
def command(ids: tuple[int, ...], **words: Any) -> ExitCode:
    """Ask for another try of jobs, by ID or by the filters of `jobs list`: a waiting job beside each, with
    the same pictures and axes. Spends nothing: `run` and `work` make it, under the caps.

    By a filter, jobs that have another try already are passed over. A job that waits or runs is refused with
    the reason, the others are done, and the exit code is 2. A failed one may be asked for with another
    prompt. `apply --prune` does not cancel such a job, and more variations in the manifest are others.
    """
    wanted = ids_or_filter(words, ids, command="redo", example="--verdict rejected")
    changes = _changes(words["prompt"], words["settings"])
    dry_run = words["dry_run"]
    with opened(use=Use.LOOK if dry_run else Use.CHANGE) as app:
        wish: dict[str, Any] = {
            "signed": signature_of("redo", words["why"] or words["note"]),
            "changes": changes,
            "request": words["request"],
        }
        known = pricing(app)
        if dry_run or not ids:
            asked = redo(app.database, wanted.ids or wanted, pricing=known, dry_run=True, **wish)
            if dry_run or not asked.tries:
                return _tell(asked, dry_run=True)
            confirm(_question(asked), yes=words["yes"], verb="redo")
            known = pricing(app, known.prices, shown=not words["yes"])
        done = redo(app.database, wanted.ids or wanted, pricing=known, **wish)
    return _tell(done, dry_run=False)


def _changes(prompt: str | None, settings: Sequence[str]) -> dict[str, str]:
    """The values that are to be different; raises UsageError for what is no pair, and for a name twice."""
    changes = {} if prompt is None else {"prompt": prompt}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"--set {text!r} is no KEY=VALUE; write for example --set resolution=2k. Nothing was changed."
            )
        if name.strip() in changes:
            raise UsageError(f"{name.strip()} is given twice: say each value once. Nothing was changed.")
        changes[name.strip()] = value
    return changes


def _question(asked: Redone) -> str:
    images = sum(item.images for item in asked.tries)
    return (
        f"Ask for another try of {count(len(asked.tries), 'job')} ({count(images, 'picture')}, "
        f"{usd(asked.cost_micros)} when they are made)?"
    )


def _tell(redone: Redone, *, dry_run: bool) -> ExitCode:
    if out.as_json():
        out.document(redone_document(redone, dry_run=dry_run))
    else:
        for sentence in redone.warnings:
            out.warn(safe(sentence))
        out.answer("\n".join(redone_text(redone, dry_run=dry_run)))
        if redone.tries and not dry_run:
            out.next_steps([("orchestrator work --drain", "makes what waits, under the caps")])
    return ending(bool(redone.refused))
