"""The sidecar of a picture, `<picture>.json`: what it is, and which task made it."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

BYTES_MAX: Final = 1_000_000  # larger ones are not ours
_json: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


def sidecar_of(picture: Path) -> Path:
    """Where the sidecar of a picture is."""
    return picture.with_name(picture.name + ".json")


def encoded(document: Mapping[str, Any]) -> bytes:
    """The text of a sidecar, a line for each entry."""
    # Without `indent` json uses its fast encoder: a line for each entry is readable enough.
    lines = (f"  {_name(name)}: {_value(value)}" for name, value in document.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "replace")


def _value(value: Any) -> str:
    """A number or nothing needs no encoder, and most entries are one."""
    return str(value) if type(value) is int else "null" if value is None else _json(value)


@lru_cache(maxsize=128)
def _name(name: str) -> str:
    return _json(name)


def read_first(root: Path, places: Iterable[PurePosixPath]) -> dict[str, Any] | None:
    """What the first sidecar of these pictures says; None when none can be read. Changes nothing."""
    for place in places:
        path = sidecar_of(root / place)
        try:
            if path.stat().st_size > BYTES_MAX:
                continue
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict):
            return document
    return None
