"""The filters of templates."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import Undefined

from orchestrator.manifest.templating.template_problems import Hole, TemplateProblem
from orchestrator.yamlio import Number

_SEPARATORS: Final = re.compile(r"[\W_]+")
_SLUG_CHARS_MAX: Final = 80
_RESULT_CHARS_MAX: Final = 100_000
_DIGITS_MAX: Final = 18
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)


def slug(value: Any) -> str:
    """Text safe in a file name: lower case, accents dropped, runs of anything else a hyphen; never empty."""
    return _slug(_text(value))


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    found = _SEPARATORS.sub("-", unicodedata.normalize("NFC", bare).lower()).strip("-")
    if not found:  # nothing but symbols: their code points still differ
        found = "-".join(f"u{ord(char):x}" for char in text.strip()[:8]) or "empty"
    return found[:_SLUG_CHARS_MAX].rstrip("-")


def lower(value: Any) -> str:
    """Text in lower case."""
    return _text(value).lower()


def upper(value: Any) -> str:
    """Text in upper case."""
    return _text(value).upper()


def title(value: Any) -> str:
    """Each Word With A Capital."""
    return _text(value).title()


def trim(value: Any) -> str:
    """Text without white space at its ends."""
    return _text(value).strip()


def replace(value: Any, old: Any, new: Any) -> str:
    """Text with `old` replaced by `new`."""
    result = _text(value).replace(_text(old) or "\x00", _text(new))
    if len(result) > _RESULT_CHARS_MAX:
        raise ValueError("replace gives too long a text")
    return result


def default(value: Any, other: Any = "", empty: bool = False) -> Any:
    """`other` when the name or column does not exist, is null or an empty cell of a table, or (with `true`)
    is empty in any way.
    """
    absent = isinstance(value, (Undefined, Hole)) or value is None or (empty and not value)
    return other if absent else value


def join(value: Any, separator: Any = "") -> str:
    """The items of a list as one text."""
    if not isinstance(value, (list, tuple)):
        raise TypeError("join takes a list")
    return _text(separator).join(_text(item) for item in value)


def first(value: Any) -> Any:
    """The first item of a list or text."""
    return value[0]


def last(value: Any) -> Any:
    """The last item of a list or text."""
    return value[-1]


def length(value: Any) -> int:
    """How many items or characters."""
    return len(value)


def integer(value: Any) -> int:
    """Digits as a whole number."""
    text = _text(value).strip()
    try:
        return int(text[:_DIGITS_MAX])
    except ValueError:
        raise TemplateProblem(f'"{text[:40]}" is not a whole number', comma_hint(text)) from None


def number(value: Any) -> float:
    """Digits, with a point before decimals, as a number that keeps its spelling."""
    text = _text(value).strip()
    if not _NUMBER.fullmatch(text[: _DIGITS_MAX + 1]):
        raise TemplateProblem(f'"{text[:40]}" is not a number', comma_hint(text))
    return Number(text)


def comma_hint(text: str) -> str:
    """What to do about a decimal comma; empty when there is none."""
    if _COMMA.fullmatch(text.strip()):
        return 'a decimal comma: write a point, or | replace(",", ".")'
    return ""


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": default,
    "first": first,
    "int": integer,
    "join": join,
    "last": last,
    "length": length,
    "lower": lower,
    "number": number,
    "replace": replace,
    "slug": slug,
    "title": title,
    "trim": trim,
    "upper": upper,
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float, Undefined)):
        return str(value)
    raise TypeError("a filter for text got a row, a list or nothing")
