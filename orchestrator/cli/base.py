"""What every command shares: the global options, accepted before and after the command, and lazy loading.

Only click is imported here, so that `orchestrator --help` answers at once.
"""

import gc
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Options:
    """The global options of one invocation; whichever place they are written in, the last one counts."""

    config: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    sandbox: bool = False  # of the commands that take it


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep what an option says with the options of the whole invocation."""
    name = param.name or ""
    if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
        setattr(ctx.ensure_object(Options), name, value)
    return value


def _global_options() -> list[click.Parameter]:
    """Fresh copies, because a parameter belongs to one command."""
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True, "callback": remember}
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path, dir_okay=False),
            help="The configuration file (default: config.yaml here, or ORCHESTRATOR_CONFIG).",
            **shared,
        ),
        click.Option(["--json"], is_flag=True, help="Print one JSON document on stdout.", **shared),
        click.Option(["--quiet", "-q"], is_flag=True, help="Only errors and the result.", **shared),
        click.Option(["--verbose", "-v"], is_flag=True, help="Say more about what is done.", **shared),
    ]


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_global_options()]


class Group(click.Group):
    """A group of commands that takes the global options too."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_global_options()]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `orchestrator --help`: where the command is, and what it does."""

    module: str
    help: str


class LazyGroup(Group):
    """A group that knows its commands by name and imports one only when it is called."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, Entry]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections: Final = sections
        self._entries: Final = {name: entry for part in sections.values() for name, entry in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in the order of the help."""
        del ctx
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None for a name we do not have."""
        del ctx
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        found = cast("click.Command", importlib.import_module(entry.module).command)
        gc.freeze()  # what was imported stays: it is never visited again
        gc.enable()
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and args[0] not in self._entries and not args[0].startswith("-"):
            from orchestrator.core.suggest import did_you_mean

            hint = did_you_mean(args[0], self._entries)
            ctx.fail(f"No such command {args[0]!r}. {hint} ".strip() + " See: orchestrator --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section without importing them."""
        del ctx
        for title, part in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in part.items()])


def command(name: str, **kwargs: Any) -> Callable[[F], Command]:
    """Declare a command: `@command("plan")` above a function whose docstring is the help."""
    return click.command(name, cls=Command, **kwargs)


def group(name: str, **kwargs: Any) -> Callable[[F], Group]:
    """Declare a group: `@group("jobs")`."""
    return click.group(name, cls=Group, **kwargs)


def options() -> Options:
    """The global options of the running command."""
    return click.get_current_context().ensure_object(Options)


def wants_color(env: Mapping[str, str] | None = None) -> bool | None:
    """False when colour is unwelcome (NO_COLOR, TERM=dumb); None to let each stream decide."""
    env = os.environ if env is None else env
    return False if env.get("NO_COLOR") or env.get("TERM") == "dumb" else None


ROW_ID: Final = click.IntRange(min=1, max=2**63 - 1)
"""An id as the database counts them."""

REGENERATE: Final = ("changed", "all", "failed", "rejected")
"""As `core.nights` has them, which `--help` need not load."""

MANIFESTS: Final = click.argument(
    "manifests",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="MANIFEST...",
)


PRUNE: Final = click.option(
    "--prune",
    is_flag=True,
    help="Cancel the waiting jobs of the run that are not in the manifest any more.",
)


BUY_AGAIN: Final = click.option(
    "--buy-again",
    is_flag=True,
    help="Buy pictures that are in the output folder already and that this database does not know.",
)


ACCEPT_CHANGES: Final = click.option(
    "--accept-changes",
    is_flag=True,
    help="More has changed since the run before than `max_changed` allows, and that is meant.",
)


SANDBOX: Final = click.option(
    "--sandbox",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=remember,
    help="The rehearsal's own database and pictures: those of `run --sandbox`.",
)


def _refuse_rehearsal(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        raise click.UsageError(
            "A rehearsal has no provider to ask afterwards: its stand-in ends with each command. To try it, "
            "keep one running: orchestrator sandbox (docs/sandbox.md). Nothing was changed.",
            ctx,
        )


NO_REHEARSAL: Final = click.option(
    "--sandbox", is_flag=True, hidden=True, expose_value=False, callback=_refuse_rehearsal
)
"""Of commands that ask the provider what it has made and billed: a rehearsal's is gone by then."""


def manifest_options(function: F) -> F:
    """Add MANIFEST..., --run, --at, --limit, --sample, --unmade: the words of `plan`, `apply` and `run`."""
    decorators: Sequence[Callable[[F], F]] = (
        MANIFESTS,
        click.option(
            "--run", "run_key", metavar="KEY", help="Apply under this run key instead of the manifest's."
        ),
        click.option(
            "--at",
            metavar="TIME",
            help="The moment of {{ date }} and {{ tick }}, such as 2026-11-28T02:30, instead of now.",
        ),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N jobs."),
        click.option(
            "--sample", type=click.IntRange(min=1), metavar="N", help="Only N jobs, spread over the axes."
        ),
        click.option(
            "--unmade",
            is_flag=True,
            help="With --limit or --sample: N of those without pictures, and so N more each time.",
        ),
        click.option(
            "--skip-bad-rows",
            is_flag=True,
            help="Leave out the rows of tables that something is wrong with; they are listed.",
        ),
        click.option(
            "--regenerate",
            type=click.Choice(REGENERATE),
            help="What to make anew of what earlier runs have made, instead of the manifest's word.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function
