"""A line from time to time while a long command works."""

from collections.abc import Callable
from typing import Final, ParamSpec

import click

from orchestrator.cli.base import options
from orchestrator.ports import Clock

EVERY_SECONDS: Final = 5.0

P = ParamSpec("P")


def now_and_then(clock: Clock, words: Callable[P, str]) -> Callable[P, None]:
    """Says on stderr how far it is, at most every five seconds; nothing with --quiet."""
    last = clock.monotonic()

    def say(*args: P.args, **more: P.kwargs) -> None:
        nonlocal last
        if not options().quiet and clock.monotonic() - last >= EVERY_SECONDS:
            last = clock.monotonic()
            click.echo(words(*args, **more), err=True)

    return say
