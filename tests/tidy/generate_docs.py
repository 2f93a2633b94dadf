"""The parts of the documentation that are made from the code. `make docs` rewrites them; a test fails when
they are old.

A part is between `<!-- generated: NAME -->` and `<!-- end -->`; its maker is the function of that name in
`MAKERS`.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import click
from sources import PACKAGE, ROOT

from orchestrator import catalogue
from orchestrator.cli.root import cli
from orchestrator.core import states, taxonomy
from orchestrator.manifest import manifest_json_schema
from orchestrator.ports.artifacts import FETCH_FAULTS
from orchestrator.provider.classify import STATUS_MEANINGS, Meaning
from orchestrator.settings import config_json_schema

DOCS: Final = ROOT / "docs"
PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(text: str) -> str:
    """The text with every generated part made anew."""
    return PART.sub(lambda part: f"{part[1]}\n{MAKERS[part[2]]().strip()}\n\n{part[3]}", text)


def pages() -> list[Path]:
    documents = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
    return [page for page in documents if PART.search(page.read_text(encoding="utf-8"))]


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


def _machine(kind: type[StrEnum], table: Mapping[tuple[Any, Any], StrEnum]) -> str:
    rows = [
        f"| {f'`{source}`' if source else '(new)'} | {event.replace('_', ' ')} | `{target}` |"
        for (source, event), target in table.items()
    ]
    final = ", ".join(f"`{state}`" for state in kind if state not in {source for source, _ in table})
    ends = f"\n\nFrom {final} nothing leads on." if final else ""
    return "\n".join(["| From | When | To |", "|---|---|---|", *rows]) + ends


def failed_codes() -> str:
    """What each application code of a failed task means."""
    return _endings("Code", ((f"{code}", "failed", code) for code in taxonomy.FAILED_CODES))


def ended_statuses() -> str:
    """What each terminal status other than completed and failed means."""
    return _endings("Status", ((f"`{status}`", status, None) for status in taxonomy.STATUSES))


def _endings(title: str, rows: Iterable[tuple[str, str, int | None]]) -> str:
    """What `disposition` decides, asked with and without an input that we uploaded."""
    lines = [f"| {title} | Meaning | Reason | Tried again by itself? |", "|---|---|---|---|"]
    for name, status, code in rows:
        theirs, ours = (
            taxonomy.disposition(status, code, "", input_was_our_upload=uploaded)
            for uploaded in (False, True)
        )
        if theirs.retry is ours.retry:
            again = "yes" if theirs.retry else "no"
        else:
            again = "only when every input was uploaded by us: it is uploaded afresh"
        lines.append(f"| {name} | {theirs.message} | `{theirs.reason}` | {again} |")
    return "\n".join(lines)


def refused_statuses() -> str:
    """What each HTTP status that refuses a submit means; rows that say the same are one."""
    named = {Meaning.KEY_REFUSED: "KeyRefused", Meaning.NO_CREDIT: "NoCredit", Meaning.THROTTLED: "Throttled"}
    rows: dict[tuple[str, str, str], list[int]] = {}
    for status, meaning in STATUS_MEANINGS.items():
        if meaning is Meaning.REJECTED:
            found = taxonomy.rejection(status, None, "")
            words = found.message if status in taxonomy.REJECTIONS else "the provider refused the request"
            rows.setdefault(("Rejected", f"`{found.reason}`", words), []).append(status)
        else:
            rows.setdefault((named[meaning], "", ""), []).append(status)
    lines = [
        f"| {', '.join(map(str, statuses))} | {outcome} | {reason} | {words} |"
        for (outcome, reason, words), statuses in rows.items()
    ]
    return "\n".join(["| HTTP status | Outcome | Reason of the job | Meaning |", "|---|---|---|---|", *lines])


def fetch_faults() -> str:
    """What goes wrong with a download, and what follows."""
    rows = [f"| {happened} | `{fault}` | {then} |" for fault, (happened, then) in FETCH_FAULTS.items()]
    return "\n".join(["| What happens | Fault | Then |", "|---|---|---|", *rows])


def folders() -> str:
    """Every package and what is in it, from the highest floor to the lowest."""
    floors = [floor.split(" | ") for floor in _layers("orchestrator")]
    rows = [
        f"| {number} | `{_place(PACKAGE / name)}` | {summary(PACKAGE / name)} |"
        for number, names in zip(range(len(floors), 0, -1), floors, strict=True)
        for name in names
    ]
    return "\n".join(["| Floor | Folder | What is in it |", "|--:|---|---|", *rows])


def rooms() -> str:
    """Every folder with the files in it, from the highest floor to the lowest."""
    rows = []
    for name in " | ".join(_layers("orchestrator")).split(" | "):
        package = PACKAGE / name
        if not package.is_dir():
            continue
        order = " | ".join(_layers(f"orchestrator.{name}")).split(" | ")
        inside = sorted(
            (path.parent for path in package.glob("*/__init__.py")),
            key=lambda path: (_rank(order, path.name), path.name),
        )
        rows += [f"| `{_place(room)}` | {summary(room)} | {_files(room)} |" for room in (package, *inside)]
    return "\n".join(["| Folder | What is in it | Files |", "|---|---|---|", *rows])


def _files(folder: Path) -> str:
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("__"))
    return ", ".join(f"`{name}`" for name in names)


def _layers(container: str) -> list[str]:
    """The floors of a package, highest first, as the import contracts have them; none where there is no
    contract.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    found = [each["layers"] for each in contracts if each.get("containers") == [container]]
    return found[0] if found else []


def _rank(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _place(path: Path) -> str:
    name = str(path.relative_to(PACKAGE))
    return f"{name}/" if path.is_dir() else f"{name}.py"


def summary(path: Path) -> str:
    """The first paragraph of the docstring of a module or a package."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return _plain(words).split("\n\n", maxsplit=1)[0]


MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    maker.__name__: maker
    for maker in (
        commands,
        settings,
        manifest,
        parameters,
        job_states,
        attempt_states,
        reservation_states,
        failed_codes,
        ended_statuses,
        refused_statuses,
        fetch_faults,
        folders,
        rooms,
    )
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
