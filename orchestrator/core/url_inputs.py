"""Whether what an https input serves is another picture than before: told by headers, and never guessed.

An answer is kept as a *validator*, three words: the ETag, the length in bytes, the time of the last change in
seconds since 1970; "-" stands for what the host does not tell. Two of them say "another picture" only where
both know enough. Everything else is unknown, and unknown is not changed: nothing is bought on a guess.
"""

import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, NamedTuple

Seen = Mapping[str, str]
"""What each https input of a job serves, by its address: a validator, or one of the marks below."""

UNTOLD: Final = ""
"""The host answers, and tells nothing by which a change could be seen; or it was not asked."""

SILENT: Final = "silent"
"""The host does not answer, or refuses to."""

UNSTEADY: Final = "unsteady"
"""The host answers each question otherwise, so that its answers say nothing."""

GONE: Final = "gone"
"""Nothing is there: 404 or 410, also to whoever asks for the picture itself."""

_MARKS: Final = frozenset({UNTOLD, SILENT, UNSTEADY, GONE})
_NOT_TOLD: Final = "-"
_TAG_MAX: Final = 200
_DIGITS_MAX: Final = 15


class UrlInputs(StrEnum):
    """What makes a picture at an https address another input."""

    ETAG = "etag"  # what the host tells of it
    URL = "url"  # its address alone
    ALWAYS = "always"  # it counts as another one each night


class _Validator(NamedTuple):
    tag: str
    length: str
    modified: str

    @property
    def dated(self) -> tuple[str, str] | None:
        """Length and time together; one alone tells too little."""
        return None if _NOT_TOLD in (self.length, self.modified) else (self.length, self.modified)


def validator(headers: Mapping[str, str]) -> str:
    """What the headers of an answer tell, their names in lower case; UNTOLD where that is too little.

    A weak ETag is kept as a strong one: hosts that compress on the way weaken their own. A time of change
    that is the time of the answer was made up for it, and tells nothing.
    """
    found = _Validator(_tag(headers.get("etag", "")), _length(headers), _modified(headers))
    return " ".join(found) if found.tag != _NOT_TOLD or found.dated else UNTOLD


def is_known(answer: str) -> bool:
    """Whether an answer is a validator."""
    return answer not in _MARKS


def recorded(seen: Seen) -> dict[str, str]:
    """What of it is worth keeping for later nights."""
    return {url: answer for url, answer in seen.items() if is_known(answer)}


def differs(before: str, now: str) -> bool:
    """Whether both answers are known, and are of different pictures.

    Hosts of one address may give each copy an ETag of its own: where length and time of change are the same,
    other ETags mean nothing.
    """
    if before == now or not is_known(before) or not is_known(now):
        return False
    first, second = _parsed(before), _parsed(now)
    both_dated = first.dated is not None and second.dated is not None
    if _NOT_TOLD not in (first.tag, second.tag):
        return first.tag != second.tag and not (both_dated and first.dated == second.dated)
    return both_dated and first.dated != second.dated


def other_urls(before: Seen, now: Seen) -> list[str]:
    """The addresses that serve another picture than before."""
    return [url for url, answer in now.items() if differs(before.get(url, UNTOLD), answer)]


def _parsed(text: str) -> _Validator:
    words = text.split(" ")
    return _Validator(*words) if len(words) == len(_Validator._fields) else _Validator(*[_NOT_TOLD] * 3)


def _tag(text: str) -> str:
    tag = text.strip().removeprefix("W/").strip()
    if tag == _NOT_TOLD or not tag.strip('"'):
        return _NOT_TOLD
    plain = len(tag) <= _TAG_MAX and tag.isascii() and tag.isprintable() and " " not in tag
    return tag if plain else f"sha256:{hashlib.sha256(tag.encode('utf-8', 'replace')).hexdigest()}"


def _length(headers: Mapping[str, str]) -> str:
    """Of the whole picture: a part says how much the whole is."""
    part = headers.get("content-range", "")
    text = (part.rpartition("/")[2] if part else headers.get("content-length", "")).strip()
    return text if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else _NOT_TOLD


def _modified(headers: Mapping[str, str]) -> str:
    modified, answered = _seconds(headers.get("last-modified", "")), _seconds(headers.get("date", ""))
    if modified is None or (answered is not None and modified >= answered - 1):
        return _NOT_TOLD
    return str(modified)


def _seconds(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
