"""One parameter of a model, and the check of one value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orchestrator.catalogue.images import is_url, url_problem
from orchestrator.core.specs import JsonObject
from orchestrator.core.suggest import did_you_mean

_DECIMAL_COMMA: Final = re.compile(r"[0-9]+,[0-9]+")
_DIGITS: Final = re.compile(r"\s*([+-]?\d{1,9})\s*", re.ASCII)
_ECHO_MAX: Final = 60


class Severity(StrEnum):
    """Whether an issue stops everything or is only said."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """What a parameter holds."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class ParamIssue:
    """What is wrong with one parameter, what is allowed, and how to mend it."""

    name: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    index: int | None = None  # which picture, for an image parameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type, what is allowed, and what the provider takes when it is absent.

    `minimum` and `maximum` bound an integer's value, or how many pictures an image parameter holds; `maximum`
    bounds the characters of a text, where it is not 0.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str | int | None = None
    allowed: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0

    def coerce(self, value: object) -> object:
        """`value` of a template as this parameter's type: digits become an integer; everything else stays."""
        if self.kind is Kind.INTEGER and isinstance(value, str) and (match := _DIGITS.fullmatch(value)):
            return int(match.group(1))
        return value

    def check(self, value: object) -> list[ParamIssue]:
        """Every issue of one value; empty when it may be sent."""
        match self.kind:
            case Kind.TEXT:
                return self._check_text(value)
            case Kind.CHOICE:
                return self._check_choice(value)
            case Kind.INTEGER:
                return self._check_integer(value)
            case Kind.IMAGES:
                return self._check_images(value)

    def allowed_text(self) -> str:
        """What is allowed, in words for a message or a table."""
        match self.kind:
            case Kind.TEXT:
                return f"text of at most {self.maximum:,} characters" if self.maximum else "text"
            case Kind.CHOICE:
                return "one of " + ", ".join(self.allowed)
            case Kind.INTEGER:
                return f"a whole number from {self.minimum} to {self.maximum}"
            case Kind.IMAGES:
                return f"a list of {self.minimum} to {self.maximum} local files or https URLs"

    def schema(self) -> JsonObject:
        """JSON Schema of the value as it stands in a manifest, where a template may stand for any type."""
        template = {"type": "string", "pattern": r"\{\{"}
        shape: JsonObject
        match self.kind:
            case Kind.TEXT:
                shape = {"type": "string"}
            case Kind.CHOICE:
                shape = {"anyOf": [{"enum": list(self.allowed)}, template]}
            case Kind.INTEGER:
                shape = {
                    "anyOf": [
                        {"type": "integer", "minimum": self.minimum, "maximum": self.maximum},
                        template,
                    ]
                }
            case Kind.IMAGES:
                items = {"type": "array", "items": {"type": "string"}}
                shape = {"anyOf": [items | {"minItems": self.minimum, "maxItems": self.maximum}, template]}
        shape["description"] = self.description
        if self.default is not None:
            shape["default"] = self.default
        return shape

    def _issue(self, message: str, hint: str = "", *, index: int | None = None) -> list[ParamIssue]:
        return [ParamIssue(self.name, message, hint, index=index)]

    def _check_text(self, value: object) -> list[ParamIssue]:
        if not isinstance(value, str):
            return self._issue(f"expected text, got {shown(value)}", "put it in quotes")
        if not value.strip():
            return self._issue("is empty, text is needed")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return self._issue("holds half of a character (a lone surrogate), which cannot be sent")
        if "\x00" in value:
            return self._issue("holds a NUL character, which cannot be sent")
        if 0 < self.maximum < len(value):
            return self._issue(
                f"has {len(value):,} characters; at most {self.maximum:,} are taken", "shorten it"
            )
        return []

    def _check_choice(self, value: object) -> list[ParamIssue]:
        if isinstance(value, str) and value in self.allowed:
            return []
        hint = did_you_mean(str(value), self.allowed) if not isinstance(value, (list, Mapping)) else ""
        return self._issue(f"{shown(value)} is not allowed; expected {self.allowed_text()}", hint)

    def _check_integer(self, value: object) -> list[ParamIssue]:
        expected = f"expected {self.allowed_text()}"
        if isinstance(value, bool) or not isinstance(value, int):
            hint = "write the number without quotes" if self.coerce(value) is not value else ""
            if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()):
                hint = "a decimal comma: a whole number is expected here"
            return self._issue(f"{expected}, got {shown(value)}", hint)
        if not self.minimum <= value <= self.maximum:
            return self._issue(f"{expected}, got {value}")
        return []

    def _check_images(self, value: object) -> list[ParamIssue]:
        if isinstance(value, str):
            return self._issue(
                f"expected {self.allowed_text()}, got {shown(value)}", "put it in brackets: [...]"
            )
        if not isinstance(value, (list, tuple)):
            return self._issue(f"expected {self.allowed_text()}, got {shown(value)}")
        if not self.minimum <= len(value) <= self.maximum:
            return self._issue(f"expected {self.allowed_text()}, got {len(value)}")
        issues: list[ParamIssue] = []
        for index, item in enumerate(value):
            issues += self._check_image(item, index)
        return issues

    def _check_image(self, item: object, index: int) -> list[ParamIssue]:
        if not isinstance(item, str):
            return self._issue(f"expected a local file or an https URL, got {shown(item)}", index=index)
        if not item.strip():
            return self._issue("is empty; expected a local file or an https URL", index=index)
        problem = url_problem(item) if is_url(item) else None
        return self._issue(f"{shown(item)}: {problem}", index=index) if problem else []


def shown(value: Any) -> str:
    """A value as a message shows it: text in quotes, long things cut short."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case str():
            text = value if len(value) <= _ECHO_MAX else value[: _ECHO_MAX - 3] + "..."
            return f'"{text}"'
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return str(value)[:_ECHO_MAX]
