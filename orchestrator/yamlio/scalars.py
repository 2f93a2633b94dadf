"""YAML 1.2 core scalars: what a plain word means.

YAML 1.1, which PyYAML reads, turns `16:9` into 969, `NO` into false, `0123` into 83 and a date into an
object; here all of these stay text. Two deliberate steps beyond the core schema, because article numbers are
common: digits with a leading zero stay text, and so does an integer of more than 18 digits, which no consumer
of JSON would keep.
"""

import re
from typing import Final

from orchestrator.yamlio.document import Number

Scalar = str | int | float | bool | None

STR: Final = "tag:yaml.org,2002:str"
NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
MERGE: Final = "tag:yaml.org,2002:merge"
SEQ: Final = "tag:yaml.org,2002:seq"
MAP: Final = "tag:yaml.org,2002:map"

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z|0o[0-7]{1,20}\Z|0x[0-9a-fA-F]{1,15}\Z")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+))\Z"
    r"|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
_FLOAT_CHARS_MAX: Final = 100


class ScalarError(ValueError):
    """A scalar does not fit the tag it carries."""


def plain(text: str) -> Scalar:
    """The value of an unquoted word."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if len(text) <= _FLOAT_CHARS_MAX and _FLOAT.match(text):
        return Number(text)
    return text


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit standard tag; raises ScalarError when it does not fit."""
    if tag == STR:
        return text
    value = plain(text)
    fits = {
        NULL: value is None,
        BOOL: isinstance(value, bool),
        INT: isinstance(value, int) and not isinstance(value, bool),
        FLOAT: isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)),
    }
    if not fits.get(tag, False):
        raise ScalarError(f'"{text[:60]}" does not fit its tag !!{tag.rpartition(":")[2]}')
    return value
