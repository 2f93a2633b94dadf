"""The parts of the documents that are made from the command line."""

from collections.abc import Iterator

import click
from sources import plain

from orchestrator.cli.root import cli


def commands() -> str:
    """Every command, as its own help describes it."""
    return "\n".join(
        f"{_command(context)}" for context in leaves(click.Context(cli, info_name="orchestrator"))
    )


def leaves(context: click.Context) -> Iterator[click.Context]:
    """Every command that does something, in the order of the help."""
    group = context.command
    if not isinstance(group, click.Group):
        yield context
        return
    if group.invoke_without_command:
        yield context
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from leaves(click.Context(command, info_name=name, parent=context))


def _command(context: click.Context) -> str:
    common = {parameter.name for parameter in cli.params} | {"help"}
    own = [parameter for parameter in context.command.params if parameter.name not in common]
    words = [parameter.make_metavar(context) for parameter in own if isinstance(parameter, click.Argument)]
    lines = [f"### `{' '.join([context.command_path, *words])}`", "", plain(context.command.help), ""]
    options = [parameter for parameter in own if isinstance(parameter, click.Option)]
    lines += [f"- {_option(option, context)}" for option in options]
    return "\n".join([*lines, ""] if options else lines)


def _option(option: click.Option, context: click.Context) -> str:
    name, help_text = option.get_help_record(context) or ("", "")
    return f"`{' '.join(name.split())}`" + (f" {help_text}" if help_text else "")
