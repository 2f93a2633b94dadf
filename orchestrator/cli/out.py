"""Where words go: what was asked for to stdout, whatever that is; hints and progress to stderr.

With --json, stdout carries JSON alone, and the words go to stderr.
"""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from orchestrator.cli import streams
from orchestrator.cli.base import Options, options
from orchestrator.cli.invocation import with_config

REHEARSED = (
    "accept",
    "apply",
    "budget",
    "campaigns",
    "doctor",
    "events",
    "export",
    "gallery",
    "in-doubt",
    "jobs cancel",
    "jobs hold",
    "jobs list",
    "jobs prioritise",
    "jobs release",
    "jobs retry",
    "jobs show",
    "ledger export",
    "limits",
    "notify list",
    "notify retry",
    "outputs check",
    "outputs move",
    "pause",
    "plan",
    "redo",
    "reject",
    "report close",
    "report month",
    "report run",
    "resume",
    "review",
    "run",
    "runs",
    "schedule",
    "status",
    "work",
    "workers",
)
"""The commands that take --sandbox."""
_COMMAND = re.compile(r"`(orchestrator [a-z][^`\n]*)`")


def answer(text: str) -> None:
    """What the command was asked for, in words; OSError when it cannot be written."""
    if options().json:
        streams.say(repeated(text))
    else:
        click.echo(repeated(text))


def note(text: str = "") -> None:
    """Words besides the answer; silent with --quiet."""
    if not options().quiet:
        streams.say(repeated(text))


def detail(text: str) -> None:
    """Words for the curious: only with --verbose."""
    if options().verbose:
        streams.say(text)


def warn(text: str) -> None:
    """A warning, always on stderr."""
    streams.say(f"{click.style('warning:', fg='yellow')} {repeated(text)}")


def document(value: Any) -> None:
    """One JSON document on stdout. Its next command is about the same database as the one that was given."""
    if isinstance(value, dict) and isinstance(value.get("next_command"), str):
        value = {**value, "next_command": _about_the_same(value["next_command"])}
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def line(value: Any) -> None:
    """One line of JSON lines on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def raw(text: str) -> None:
    """Text that is the program's product, such as a schema: always on stdout."""
    click.echo(text)


def next_steps(commands: Sequence[tuple[str, str]]) -> None:
    """At most two commands worth typing next, each with what it does."""
    if options().sandbox:
        commands = [(command, what) for command, what in commands if _rehearsed(command)]
    if not commands:
        return
    shown = [(_about_the_same(command), what) for command, what in commands[:2]]
    column = max(len(command) for command, _ in shown)
    lines = [
        f"{'Next' if at == 0 else '    '}  {command:<{column}}  {what}"
        for at, (command, what) in enumerate(shown)
    ]
    note("\n" + "\n".join(line.rstrip() for line in lines))


def repeated(text: str, given: Options | None = None) -> str:
    """Words in which each command in backquotes is about the same database as the command that was given."""
    return _COMMAND.sub(lambda found: f"`{_about_the_same(found[1], given)}`", text)


def columns() -> int | None:
    """How wide the terminal of the answer is; None where it goes to a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _about_the_same(command: str, given: Options | None = None) -> str:
    """A command with the --sandbox and --config that were given: without them it would look elsewhere, or
    spend real money after a rehearsal.
    """
    given = given or options()
    if given.sandbox and " --sandbox" not in command and _rehearsed(command):
        command = f"{command} --sandbox"
    return with_config(command, given.config)


def _rehearsed(command: str) -> bool:
    """Whether a command can be told to look at the rehearsal; the others would look at what is real."""
    return command.startswith(tuple(f"orchestrator {words}" for words in REHEARSED))


def as_json() -> bool:
    """Whether --json is on."""
    return options().json
