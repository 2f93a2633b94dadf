"""The templates: one engine, one set of them for every page."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.core.money import format_usd
from orchestrator.pages.matrix import Shown
from orchestrator.pages.sources import SourcePicture
from orchestrator.pictures.thumbnails import ThumbnailKind

TEXT_MAX: Final = 2_000
"""Of any text that a person wrote, on a page."""

_STATIC: Final = Path(__file__).parent / "static"


class Links(Protocol):
    """Where a page finds pictures. An empty text: it has none, and says so in words."""

    def small(self, shown: Shown, kind: ThumbnailKind) -> str:
        """A small picture; of a flagged one the blurred likeness, whatever was asked for."""
        ...

    def source(self, source: SourcePicture) -> str:
        """A small picture of a source."""
        ...

    def full(self, shown: Shown) -> str:
        """The picture itself; of a flagged one nothing."""
        ...

    def trouble(self, shown: Shown) -> str:
        """Why there is no small picture."""
        ...


def render(template: str, **values: Any) -> str:
    """A page, or a part of one."""
    return _environment().get_template(template).render(**values)


def asset(name: str) -> str:
    """A style sheet or script of ours."""
    return (_STATIC / name).read_text(encoding="utf-8")


def inline(name: str) -> Markup:
    """The same, to stand in a page."""
    return Markup(asset(name))  # noqa: S704 - our own file


def digest(name: str) -> str:
    """What a policy admits an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(asset(name).encode("utf-8")).digest()).decode("ascii")


def cut(text: object, most: int = TEXT_MAX) -> str:
    """A text of bounded length, without what no page can hold."""
    words = str(text)
    short = words if len(words) <= most else words[: most - 1] + "…"
    return short.encode("utf-8", "replace").decode("utf-8")


def _usd(micros: int) -> str:
    return f"${format_usd(micros)}"


def _plural(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("orchestrator.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cut": cut, "usd": _usd, "plural": _plural}
    return environment
