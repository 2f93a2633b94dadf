"""The options that select jobs, the same for every command about some of them."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from orchestrator.core.errors import UsageError
from orchestrator.core.states import JobState
from orchestrator.store.views.walk import JobFilter

F = TypeVar("F", bound=Callable[..., Any])

_STATE: Final = click.Choice([state.value for state in JobState])


def job_filters(function: F) -> F:
    """Add --state, --campaign, --run, --tag and --reason."""
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
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def wanted_jobs(words: dict[str, Any], ids: tuple[int, ...] = ()) -> JobFilter:
    """What the options and ids select; raises UsageError."""
    tags = {}
    for text in words["tags"]:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--tag {text!r} has no value; write --tag KEY=VALUE, such as --tag client=acme")
        tags[key] = value
    return JobFilter(
        states=tuple(words["states"]),
        campaign=words["campaign"],
        run=words["run"],
        tags=tags,
        reason=words["reason"],
        ids=ids,
    )
