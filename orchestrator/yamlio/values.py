"""Shapes of plain values: what a word, number or amount of a file must look like, declared once.

A shape reads a node into a plain value and reports everything that is wrong with it at the right position;
the same shape gives the JSON Schema that editors use, so one accepts what the other accepts. A value that
could not be read comes back as None: the report decides whether anybody looks at it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from orchestrator.core.money import MoneyError, parse_usd
from orchestrator.core.specs import JsonObject
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.yamlio.document import Document, Node, Path
from orchestrator.yamlio.problems import ProblemReport

DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_ECHO_MAX: Final = 60


class Reading:
    """One document being read: where problems go."""

    def __init__(self, document: Document, report: ProblemReport) -> None:
        self.document = document
        self.report = report

    def wrong(
        self, path: Path, message: str, hint: str = "", *, at_key: bool = False, part: str = ""
    ) -> None:
        """Report a problem at a value, at a part of its text, or at its key."""
        self.report.add(self.document.problem(path, message, hint, at_key=at_key, part=part))

    def expected(self, node: Node, what: str, hint: str = "") -> None:
        """Report that something else stands where `what` is expected."""
        self.wrong(node.path, f"expected {what}, got {described(node)}", hint)


class Shape(Protocol):
    """What a value must look like."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The value, or None after a report."""
        ...

    def schema(self) -> JsonObject:
        """Its JSON Schema (draft-07)."""
        ...


@dataclass(frozen=True)
class Text:
    """Text; a plain number is refused, because its spelling would be lost, unless `scalars` takes it as
    written.
    """

    what: str = "text"
    pattern: str | None = None
    empty: bool = False
    scalars: bool = False

    def read(self, node: Node, reading: Reading) -> str | None:
        """The text."""
        value = node.value
        if self.scalars and node.text is not None and value is not None:
            value = node.text
        if not isinstance(value, str):
            hint = "put it in quotes" if node.text else ""
            reading.expected(node, self.what, hint)
            return None
        if not self.empty and not value.strip():
            reading.wrong(node.path, f"is empty; expected {self.what}")
            return None
        if self.pattern and not re.fullmatch(self.pattern, value):
            reading.expected(node, self.what)
            return None
        return value

    def schema(self) -> JsonObject:
        """A string."""
        shape: JsonObject = {"type": ["string", "number", "boolean"] if self.scalars else "string"}
        if self.pattern and not self.scalars:
            shape["pattern"] = f"^(?:{self.pattern})$"
        return shape


@dataclass(frozen=True)
class Integer:
    """A whole number in a range; true and false are not numbers."""

    minimum: int
    maximum: int

    def read(self, node: Node, reading: Reading) -> int | None:
        """The number."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int):
            hint = "write the number without quotes" if node.quoted and str(value).isdigit() else ""
            reading.expected(node, f"a whole number from {self.minimum} to {self.maximum}", hint)
            return None
        if not self.minimum <= value <= self.maximum:
            reading.expected(node, f"a whole number from {self.minimum} to {self.maximum}")
            return None
        return value

    def schema(self) -> JsonObject:
        """An integer."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Decimal:
    """A number, with or without a fraction, in a range."""

    minimum: float
    maximum: float

    def read(self, node: Node, reading: Reading) -> float | None:
        """The number as a float."""
        value = node.value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not self.minimum <= value <= self.maximum:
            reading.expected(node, f"a number from {self.minimum:g} to {self.maximum:g}")
            return None
        return float(value)

    def schema(self) -> JsonObject:
        """A number."""
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, node: Node, reading: Reading) -> bool | None:
        """The flag."""
        if isinstance(node.value, bool):
            return node.value
        hint = {"yes": "write true", "on": "write true", "no": "write false", "off": "write false"}
        reading.expected(node, "true or false", hint.get(str(node.value).lower(), ""))
        return None

    def schema(self) -> JsonObject:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    allowed: tuple[str, ...]

    def read(self, node: Node, reading: Reading) -> str | None:
        """The word."""
        if isinstance(node.value, str) and node.value in self.allowed:
            return node.value
        hint = did_you_mean(node.text, self.allowed) if node.text else ""
        reading.expected(node, f"one of {listed(self.allowed)}", hint)
        return None

    def schema(self) -> JsonObject:
        """An enumeration."""
        return {"enum": list(self.allowed)}


@dataclass(frozen=True)
class Money:
    """An amount above nothing in US dollars, read from its digits and never through a float; gives micros."""

    def read(self, node: Node, reading: Reading) -> int | None:
        """The amount in micros."""
        what = "an amount in US dollars such as 40.00"
        if node.text is None or node.value is None or isinstance(node.value, bool):
            reading.expected(node, what, "leave the key out for no cap" if node.value is None else "")
            return None
        try:
            micros = parse_usd(node.text)
        except MoneyError:
            hint = "write a point, not a comma" if "," in node.text else "plain digits, at most six decimals"
            reading.expected(node, what, hint)
            return None
        if micros == 0:
            reading.expected(node, "an amount above 0", "leave the key out for no cap")
            return None
        return micros

    def schema(self) -> JsonObject:
        """A number, or its digits as text."""
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\d{1,10}(\.\d{1,6})?$"},
            ]
        }


def described(node: Node) -> str:
    """What stands at a node, for a message."""
    match node.value:
        case None:
            return "nothing (null)"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case str():
            text = node.value if len(node.value) <= _ECHO_MAX else node.value[:_ECHO_MAX] + "..."
            return f'"{text}"'
        case _:
            return str(node.text)[:_ECHO_MAX]
