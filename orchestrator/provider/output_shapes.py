"""The outputs of a task and their flags, in whichever of many shapes they come.

A text is taken for an output where nothing else can be meant by it; a shape that leaves a choice is never
guessed at: its place stays empty, and what stands there is described.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from orchestrator.core.addresses import URL_LENGTH_MAX

DEPTH_MAX: Final = 4
NAMES_SHOWN: Final = 5
LISTS: Final = ("images", "outputs", "urls", "image_urls", "output", "results", "data")
"""Names under which an object holds all outputs of a task as a list."""

URLS: Final = ("url", "download_url")
"""Names under which an object holds its output's own URL, whatever other URLs it has."""

TRUE_WORDS: Final = frozenset({"true", "yes", "y", "t", "1", "nsfw", "unsafe", "flagged"})
FALSE_WORDS: Final = frozenset({"false", "no", "n", "f", "0", "", "none", "null", "safe", "sfw"})


@dataclass(frozen=True, slots=True)
class FoundOutputs:
    """Output texts in order; an entry without a usable URL keeps its place as an empty text."""

    urls: tuple[str, ...] = ()
    oddity: str = ""  # what stands where a URL was expected, for people


def read_outputs(value: object) -> FoundOutputs:
    """The outputs in `value`: texts, objects with a URL, lists of these, or an object with one such list."""
    if isinstance(value, Mapping):
        value = _all_in(value)
    elif isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return FoundOutputs(oddity="" if value is None else f"outputs is {_described(value)}")
    items = list(_flat(value, DEPTH_MAX))
    urls = tuple(_output(item) for item in items)
    odd = next((index for index, url in enumerate(urls) if not url), None)
    return FoundOutputs(urls, "" if odd is None else f"output {odd} is {_described(items[odd])}")


@dataclass(frozen=True, slots=True)
class FoundFlags:
    """One flag an output: None where the provider did not say, or said it in words that nobody knows."""

    values: tuple[bool | None, ...]
    unclear: frozenset[int] = frozenset()  # outputs about which something was said that cannot be read


def read_flags(value: object, count: int) -> FoundFlags:
    """The flags of `count` outputs; a single flag, or an object of them, is about all outputs."""
    said = value[:count] if isinstance(value, list) else [value] * count
    said = [*said, *(None,) * (count - len(said))]
    unclear = frozenset(index for index, item in enumerate(said) if item is not None and flag(item) is None)
    return FoundFlags(tuple(None if item is None else flag(item) for item in said), unclear)


def flag(value: object, depth: int = DEPTH_MAX) -> bool | None:
    """Whether the value says flagged: true, a number above zero, a word such as "true" or "yes", or an object
    or a list in which anything does. None when that cannot be read out of it.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return value > 0
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None
    if isinstance(value, Mapping | list) and depth:
        parts = list(value.values()) if isinstance(value, Mapping) else value
        said = [flag(part, depth - 1) for part in parts if part is not None]
        if any(said):
            return True
        return None if None in said or not said else False
    return None


def _all_in(value: Mapping[str, Any]) -> object:
    """The list of outputs in an object that has exactly one; else the object itself, as an only output."""
    lists = [value[name] for name in LISTS if isinstance(value.get(name), list)]
    return lists[0] if len(lists) == 1 else [value]


def _flat(items: list[Any], depth: int) -> Iterator[object]:
    """The items, with those of lists among them in their place."""
    for item in items:
        if isinstance(item, list) and depth:
            yield from _flat(item, depth - 1)
        else:
            yield item


def _output(item: object) -> str:
    if isinstance(item, Mapping):
        item = _url_in(item)
    return item.strip() if isinstance(item, str) and len(item) <= URL_LENGTH_MAX else ""


def _url_in(item: Mapping[str, Any]) -> str | None:
    """The one URL of an object: its own, or the only one in it."""
    for name in URLS:
        if isinstance(item.get(name), str):
            return str(item[name])
    found = set(_urls_in(item, DEPTH_MAX))
    return found.pop() if len(found) == 1 else None


def _urls_in(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str) and value.strip().lower().startswith(("https://", "http://")):
        yield value
    elif isinstance(value, Mapping | list) and depth:
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _urls_in(part, depth - 1)


def _described(item: object) -> str:
    """What stands there, without its content: it may be a whole picture as text."""
    if isinstance(item, Mapping):
        names = ", ".join(sorted(str(name)[:40] for name in item)[:NAMES_SHOWN])
        several = len(set(_urls_in(item, DEPTH_MAX))) > 1
        return f"an object with {'several URLs' if several else 'no URL'} ({names or 'empty'})"
    if isinstance(item, str):
        return f"a text of {len(item):,} characters that is no URL"
    return "null" if item is None else f"a {type(item).__name__}"
