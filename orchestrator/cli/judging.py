"""What `accept` and `reject` share: their options, the question, the answer."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from orchestrator.actions.choosing.verdicts import Judgeable, VerdictsGiven, count_judgeable, give
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.context import opened
from orchestrator.cli.moving import move, tell_moved
from orchestrator.cli.rendering.jobs.verdict_text import (
    given_document,
    given_text,
    judgeable_document,
    next_steps,
    refused_text,
)
from orchestrator.cli.rendering.words import count, usd
from orchestrator.cli.selecting import confirm, ending, ids_or_filter
from orchestrator.cli.signature import signature_of
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.verdicts import STARS_MAX, JobVerdict
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing.verdicts import NotJudged, refusals

F = TypeVar("F", bound=Callable[..., Any])


def verdict_options(function: F) -> F:
    """Add the options of a command that gives a verdict."""
    decorators: tuple[Callable[[F], F], ...] = (
        click.option("--note", metavar="TEXT", help="What is good or bad about the pictures."),
        click.option(
            "--stars", type=click.IntRange(0, STARS_MAX), metavar="N", help="1 to 5 stars; 0 takes them away."
        ),
        click.option("--clear", is_flag=True, help="Take back what was said of these jobs, instead."),
        click.option("--yes", is_flag=True, help="Act on all that a filter names without asking."),
        click.option("--dry-run", is_flag=True, help="Say how many; change nothing."),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def judge_jobs(word: JobVerdict, command: str, *, ids: tuple[int, ...], words: dict[str, Any]) -> ExitCode:
    """Say `word` of the jobs, or take back what was said; the exit code says whether any was refused."""
    wanted = ids_or_filter(words, ids, command=command, example="--run KEY --verdict none")
    dry_run, verb = words["dry_run"], "clear" if words["clear"] else command
    if words["clear"]:
        _refuse_words_to_clear(words)
        word, command = JobVerdict.NONE, f"{command} --clear"
    with opened(use=Use.LOOK if dry_run else Use.CHANGE) as app:
        if dry_run or not ids:
            with app.database.read() as tx:
                found = count_judgeable(tx, wanted)
            about = (
                f"{count(found.jobs, 'job')} with {count(found.images, 'picture')}, "
                f"paid with {usd(found.paid_micros)}"
            )
            if dry_run or not found.jobs:
                with app.database.read() as tx:
                    refused = refusals(tx, ids)
                return _say_only(found, refused, f"Would {verb} {about}. Nothing was changed.")
            confirm(f"{verb.capitalize()} {about}?", yes=words["yes"], verb=verb)
        signed = signature_of(command, words["why"])
        given = give(
            app.database,
            wanted.ids or wanted,
            word,
            signed=signed,
            stars=words["stars"],
            note=words["note"],
        )
        moved = move(app, [item.job_id for item in given.changed])
    _tell(given, signed, verb)
    if not out.as_json():
        tell_moved(moved)
    return ending(bool(given.refused))


def _refuse_words_to_clear(words: dict[str, Any]) -> None:
    if words["stars"] is not None or words["note"] is not None:
        raise UsageError("--clear takes stars and note away too: leave --stars and --note out.")


def _say_only(found: Judgeable, refused: Sequence[NotJudged], sentence: str) -> ExitCode:
    if out.as_json():
        out.document(judgeable_document(found, refused))
    else:
        none = "No job that matches has a picture. Nothing was changed."
        out.answer("\n".join([sentence if found.jobs else none, *refused_text(refused, "judged")]))
    return ending(bool(refused))


def _tell(given: VerdictsGiven, signed: Signature, verb: str) -> None:
    if out.as_json():
        out.document(given_document(given))
        return
    out.answer("\n".join(given_text(given, signed, verb)))
    out.next_steps(next_steps(given))
