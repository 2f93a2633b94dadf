"""Where words go: the answer, notices, and JSON.

Human text goes to stdout on a terminal, and to stderr when stdout is a pipe or carries JSON, so that stdout
never mixes the two.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from orchestrator.cli.base import options


def answer(text: str) -> None:
    """What the command was asked for, in words."""
    click.echo(text, err=_elsewhere())


def note(text: str = "") -> None:
    """Words besides the answer; silent with --quiet."""
    if not options().quiet:
        click.echo(text, err=_elsewhere())


def detail(text: str) -> None:
    """Words for the curious: only with --verbose."""
    if options().verbose:
        click.echo(text, err=_elsewhere())


def warn(text: str) -> None:
    """A warning, always on stderr."""
    click.echo(f"{click.style('warning:', fg='yellow')} {text}", err=True)


def document(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def line(value: Any) -> None:
    """One line of JSON lines on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def raw(text: str) -> None:
    """Text that is the program's product, such as a schema: always on stdout."""
    click.echo(text)


def next_steps(commands: Sequence[tuple[str, str]]) -> None:
    """At most two commands worth typing next, each with what it does."""
    if not commands:
        return
    shown = commands[:2]
    column = max(len(command) for command, _ in shown)
    lines = [
        f"{'Next' if at == 0 else '    '}  {command:<{column}}  {what}"
        for at, (command, what) in enumerate(shown)
    ]
    note("\n" + "\n".join(line.rstrip() for line in lines))


def as_json() -> bool:
    """Whether --json is on."""
    return options().json


def _elsewhere() -> bool:
    return options().json or not sys.stdout.isatty()
