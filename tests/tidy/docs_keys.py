"""The parts of the documents that are made from schemas: keys and parameters, allowed values, defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator import catalogue
from orchestrator.manifest import manifest_json_schema
from orchestrator.settings import config_json_schema


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
    prompt = model.by_name[model.prompt_param].allowed_text()
    limits = f"Input pictures: {model.inputs.words()}. Prompt: {prompt}. From: {model.inputs.source}."
    return f"### `{model.id}`\n\n{table}\n\n{limits}"


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
