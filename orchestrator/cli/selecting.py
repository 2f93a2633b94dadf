"""Which jobs a command is about: ids, or the filters of `jobs list`; the question before it acts on many."""

import re
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict, plain_text
from orchestrator.store.views.jobs.walk import JobFilter

F = TypeVar("F", bound=Callable[..., Any])

_PERIOD: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")
_STATE: Final = click.Choice([state.value for state in JobState])
_VERDICT: Final = click.Choice([verdict.value for verdict in JobVerdict])


def filters(function: F) -> F:
    """Add the options by which `jobs list` is narrowed; `wanted_jobs` takes what they give."""
    decorators: tuple[Callable[[F], F], ...] = (
        click.option(
            "--state", "states", multiple=True, type=_STATE, help="Only jobs in this state; may repeat."
        ),
        click.option("--campaign", metavar="NAME", help="Only jobs of this campaign."),
        click.option(
            "--run", metavar="KEY", help="Only jobs of this run key, manifest name or campaign/name/key."
        ),
        click.option(
            "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only jobs with this tag; may repeat."
        ),
        click.option("--reason", metavar="WORD", help="Only jobs with this reason, such as moderated."),
        click.option(
            "--verdict", type=_VERDICT, help="Only jobs with this verdict; none: nobody has given one."
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def wanted_jobs(words: dict[str, Any], ids: tuple[int, ...] = ()) -> JobFilter:
    """The filter that these options make; raises UsageError for a tag without a value."""
    tags = {}
    for text in map(plain_text, words["tags"]):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--tag {text!r} has no value; write --tag KEY=VALUE, such as --tag client=acme")
        tags[key] = value
    return JobFilter(
        states=tuple(words["states"]),
        campaign=_plain(words["campaign"]),
        run=_plain(words["run"]),
        tags=tags,
        reason=_plain(words["reason"]),
        ids=ids,
        verdict=words["verdict"],
    )


def _plain(name: str | None) -> str | None:
    """A name as it can be looked for: bytes of a terminal that are no text are in none."""
    return None if name is None else plain_text(name)


def need_some(wanted: JobFilter, command: str, example: str) -> None:
    """Raise UsageError where nothing says which jobs are meant; `command` in its words, such as
    `jobs retry`.
    """
    if wanted == JobFilter():
        raise UsageError(
            f"Say which jobs to {command.rsplit(maxsplit=1)[-1]}: ids, or a filter such as: "
            f"orchestrator {command} {example}. Nothing was changed."
        )


def need_period(text: str) -> None:
    """Raise UsageError for what is neither a month nor a day, such as 2026-13."""
    if not _PERIOD.fullmatch(text):
        raise UsageError(f"--period {text}: expected a month such as 2026-11, or a day such as 2026-11-28")


def ids_or_filter(words: dict[str, Any], ids: tuple[int, ...], *, command: str, example: str) -> JobFilter:
    """The jobs of a command that takes ids, or filters instead of them, and not both."""
    wanted = wanted_jobs(words, ids)
    need_some(wanted, command, example)
    if ids and wanted != JobFilter(ids=ids):
        raise UsageError(
            f"Say ids or a filter, not both: the ids are the jobs to {command}. Nothing was changed."
        )
    return wanted


def ending(refused: bool) -> ExitCode:
    """What a command that acts on jobs ends with, whichever it is: 2 when it was refused for any that was
    named. That a filter finds nothing to do, or that a job is as it should be already, is no refusal.
    """
    return ExitCode.USAGE if refused else ExitCode.DONE


def confirm(question: str, *, yes: bool, verb: str) -> None:
    """Ask before acting on what a filter names; raises UsageError for another answer than y, and where nobody
    can answer.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} There is no terminal to ask on: add --yes to {verb} them, or --dry-run to look. "
            "Nothing was changed."
        )
    answer = click.prompt(f"{question} Type y to {verb} them", default="n", show_default=False, err=True)
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError("Not done. Nothing was changed.")
