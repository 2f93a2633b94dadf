"""What was typed, and the commands that follow from it: a hint that forgets an option asks for something
else.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from orchestrator.actions.planning.walking.part import Part

PROGRAM: Final = "orchestrator"

SPENDING: Final = ("run", "work", "demo")
"""Commands that submit work, and so spend money."""

Step = tuple[str, str]
"""A command that is worth typing next, and what it does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which jobs a command was given, in its own words."""

    manifests: tuple[Path, ...] = ()
    run_key: str | None = None
    limit: int | None = None
    sample: int | None = None
    unmade: bool = False
    skip_bad_rows: bool = False
    regenerate: str | None = None
    sandbox: bool = False
    at: str | None = None

    @property
    def part(self) -> Part:
        """How much of each manifest is asked for."""
        return Part(self.limit, self.sample, self.unmade)

    def command(self, verb: str, *more: str, only: str | None = None, whole: bool = False) -> str:
        """A command about the same manifests with the same options; `only` of the manifests, or the `whole`
        of them and not the part.
        """
        words = [PROGRAM, verb, *([only] if only else [str(path) for path in self.manifests])]
        if self.run_key is not None:
            words += ["--run", self.run_key]
        if self.at is not None:
            words += ["--at", self.at]
        for option, value in (("--limit", self.limit), ("--sample", self.sample)):
            if value is not None and not whole:
                words += [option, str(value)]
        if self.unmade and not whole:
            words.append("--unmade")
        if self.regenerate is not None:
            words += ["--regenerate", self.regenerate]
        if self.skip_bad_rows:
            words.append("--skip-bad-rows")
        if self.sandbox:
            words.append("--sandbox")
        return shlex.join([*words, *more])


def complete(command: str) -> str:
    """A command with the configuration that this one was given, so that it is about the same database."""
    context = click.get_current_context(silent=True)
    return with_config(command, getattr(context.find_root().obj, "config", None) if context else None)


def with_config(command: str, config: str | Path | None) -> str:
    """A command with a configuration, where one was given and the command names none."""
    if config is None or not command.startswith(f"{PROGRAM} ") or " --config " in command:
        return command
    return f"{command} --config {shlex.quote(str(config))}"


def next_fields(steps: Sequence[Step]) -> dict[str, object]:
    """The first of the commands for a JSON document: null when there is none, and whether it spends money."""
    command = complete(steps[0][0]) if steps else None
    verb = command.split()[1] if command and command.startswith(f"{PROGRAM} ") else ""
    return {"next_command": command, "spends": verb in SPENDING}
