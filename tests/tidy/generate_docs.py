"""The parts of docs/ that are made from the code. `make docs` rewrites them; a test tells when they are old.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; its maker is the function of that name in
`MAKERS`.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import click

from orchestrator import catalogue
from orchestrator.cli.root import cli
from orchestrator.core import states
from orchestrator.manifest import manifest_json_schema
from orchestrator.settings import config_json_schema

DOCS: Final = Path(__file__).parents[2] / "docs"
PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(text: str) -> str:
    """The text with every generated part made anew."""
    return PART.sub(lambda part: f"{part[1]}\n{MAKERS[part[2]]().strip()}\n\n{part[3]}", text)


def pages() -> list[Path]:
    return [page for page in sorted(DOCS.glob("*.md")) if PART.search(page.read_text(encoding="utf-8"))]


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
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from leaves(click.Context(command, info_name=name, parent=context))


def _command(context: click.Context) -> str:
    common = {parameter.name for parameter in cli.params} | {"help"}
    own = [parameter for parameter in context.command.params if parameter.name not in common]
    words = [parameter.make_metavar(context) for parameter in own if isinstance(parameter, click.Argument)]
    lines = [f"### `{' '.join([context.command_path, *words])}`", "", _plain(context.command.help), ""]
    options = [parameter for parameter in own if isinstance(parameter, click.Option)]
    lines += [f"- {_option(option, context)}" for option in options]
    return "\n".join([*lines, ""] if options else lines)


def _option(option: click.Option, context: click.Context) -> str:
    name, help_text = option.get_help_record(context) or ("", "")
    return f"`{' '.join(name.split())}`" + (f" {help_text}" if help_text else "")


def _plain(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def settings() -> str:
    """Every key of the configuration with its default."""
    rows = [f"| `{key}` | {default} | {words} |" for key, default, words in config_keys()]
    return "\n".join(["| Key | Default | What it is |", "|---|---|---|", *rows])


def config_keys() -> Iterator[tuple[str, str, str]]:
    """Key, default and description of every setting that has a value."""
    yield from _keys(config_json_schema(), "")


def _keys(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in schema["properties"].items():
        nested = {key: value for key, value in field.get("properties", {}).items() if key != "$schema"}
        if nested:
            yield from _keys(field, f"{prefix}{name}.")
            continue
        default = field.get("default")
        shown = "none" if default is None else f"`{_yaml(default)}`"
        yield f"{prefix}{name}", shown, str(field.get("description", "")).replace("|", "\\|")


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def manifest() -> str:
    """Every key of a manifest."""
    schema = manifest_json_schema()
    rows = []
    for name, field in schema["properties"].items():
        required = "required" if name in schema["required"] else ""
        default = f"`{_yaml(field['default'])}`" if field.get("default") not in (None, {}, []) else required
        rows.append(f"| `{name}` | {default} | {field.get('description', '')} |")
    return "\n".join(["| Key | Default | What it is |", "|---|---|---|", *rows])


def parameters() -> str:
    """Every parameter of every model."""
    return "\n\n".join(_model(model) for model in catalogue.all_models())


def _model(model: catalogue.Model) -> str:
    schema = model.params_schema()
    rows = []
    for name, field in schema["properties"].items():
        words = field.get("description", "")
        rows.append(f"| `{name}` | {_allowed(field)} | {_fallback(name, field, schema)} | {words} |")
    table = "\n".join(["| Parameter | Allowed | Default | What it is |", "|---|---|---|---|", *rows])
    return f"### `{model.id}`\n\n{table}"


def _allowed(field: Mapping[str, Any]) -> str:
    for choice in (field, *field.get("anyOf", ())):
        if "enum" in choice:
            return ", ".join(f"`{value}`" for value in choice["enum"])
        if "minimum" in choice:
            return f"{choice['minimum']} to {choice['maximum']}"
        if "maxItems" in choice:
            return f"a list of {choice.get('minItems', 0)} to {choice['maxItems']}"
    return "text"


def _fallback(name: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "required"
    return f"`{_yaml(field['default'])}`" if "default" in field else "none"


def job_states() -> str:
    return _machine(states.JobState, states.JOB_TRANSITIONS)


def attempt_states() -> str:
    return _machine(states.AttemptState, states.ATTEMPT_TRANSITIONS)


def reservation_states() -> str:
    return _machine(states.ReservationState, states.RESERVATION_TRANSITIONS)


def _machine(kind: type[StrEnum], table: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> str:
    rows = [
        f"| `{source}` | {event.replace('_', ' ')} | `{target}` |"
        for (source, event), target in table.items()
    ]
    final = ", ".join(f"`{state}`" for state in kind if state not in {source for source, _ in table})
    ends = f"\n\nFrom {final} nothing leads on." if final else ""
    return "\n".join(["| From | When | To |", "|---|---|---|", *rows]) + ends


MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    maker.__name__: maker
    for maker in (commands, settings, manifest, parameters, job_states, attempt_states, reservation_states)
}


def main() -> None:
    for page in pages():
        old = page.read_text(encoding="utf-8")
        new = refreshed(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page.name} was rewritten\n")


if __name__ == "__main__":
    main()
