"""Shapes of whole blocks: lists, mappings, and objects with known keys. The plain ones come from `values`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.specs import JsonObject
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.values import (
    DRAFT_07,
    Choice,
    Decimal,
    Flag,
    Integer,
    Money,
    Reading,
    Shape,
    Text,
    described,
)

__all__ = [
    "DRAFT_07",
    "Anything",
    "Choice",
    "Decimal",
    "Field",
    "Flag",
    "Integer",
    "ListOf",
    "MapOf",
    "Money",
    "Nullable",
    "Object",
    "Reading",
    "Shape",
    "Text",
    "described",
]


@dataclass(frozen=True)
class Nullable:
    """A shape, or null, which means none: it is not the same as leaving the key out."""

    shape: Shape

    def read(self, node: Node, reading: Reading) -> Any:
        """The value, or None."""
        return None if node.value is None else self.shape.read(node, reading)

    def schema(self) -> JsonObject:
        """Either of both."""
        return {"anyOf": [self.shape.schema(), {"type": "null"}]}


@dataclass(frozen=True)
class ListOf:
    """A list of one shape."""

    shape: Shape
    what: str = "a list"

    def read(self, node: Node, reading: Reading) -> list[Any]:
        """The items that could be read."""
        if not isinstance(node.value, list):
            hint = "put it in brackets: [...]" if node.text else ""
            reading.expected(node, self.what, hint)
            return []
        return [self.shape.read(child, reading) for child in node.children.values()]

    def schema(self) -> JsonObject:
        """An array."""
        return {"type": "array", "items": self.shape.schema()}


@dataclass(frozen=True)
class MapOf:
    """Free names to one shape."""

    shape: Shape
    what: str = "a mapping"
    name_pattern: str | None = None
    name_what: str = "a name"

    def read(self, node: Node, reading: Reading) -> dict[str, Any]:
        """Name to value."""
        if not isinstance(node.value, Mapping):
            reading.expected(node, self.what)
            return {}
        for name, child in node.children.items():
            if self.name_pattern and not re.fullmatch(self.name_pattern, str(name)):
                reading.wrong(child.path, f"the key is not {self.name_what}", at_key=True)
        return {str(name): self.shape.read(child, reading) for name, child in node.children.items()}

    def schema(self) -> JsonObject:
        """An object with free names."""
        shape: JsonObject = {"type": "object", "additionalProperties": self.shape.schema()}
        if self.name_pattern:
            shape["propertyNames"] = {"pattern": f"^(?:{self.name_pattern})$"}
        return shape


@dataclass(frozen=True)
class Anything:
    """Any value at all: gives the node itself, to be read later by somebody who knows more."""

    description: JsonObject

    def read(self, node: Node, reading: Reading) -> Node:
        """The node."""
        del reading
        return node

    def schema(self) -> JsonObject:
        """As declared."""
        return dict(self.description)


@dataclass(frozen=True)
class Field:
    """One key of an object: its shape, what it means, and what stands for it when it is absent."""

    name: str
    shape: Shape
    doc: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True)
class Object:
    """Known keys only; an unknown one is reported with the nearest known."""

    fields: Sequence[Field]
    what: str = "a mapping"

    def read(self, node: Node, reading: Reading) -> dict[str, Any]:
        """Every known key with its value or default."""
        found = {field.name: field.default for field in self.fields}
        if not isinstance(node.value, Mapping):
            reading.expected(node, self.what)
            return found
        for name, child in node.children.items():
            if name not in found:
                message = f"unknown key; allowed here: {listed(found, limit=30)}"
                hint = did_you_mean(str(name), found)
                reading.wrong(child.path, message, hint, at_key=True)
        for field in self.fields:
            child_node = node.children.get(field.name)
            if child_node is not None and not (child_node.value is None and _may_be_left_empty(field)):
                value = field.shape.read(child_node, reading)
                keep = value is not None or isinstance(field.shape, Nullable)
                found[field.name] = value if keep else field.default
            elif field.required and child_node is None:
                reading.wrong(node.path, f"the key {field.name!r} is missing: {field.doc}")
        return found

    def schema(self) -> JsonObject:
        """An object without further keys."""
        properties: JsonObject = {}
        for field in self.fields:
            shape: JsonObject = {"description": field.doc} | field.shape.schema()
            if _may_be_left_empty(field) and "type" in shape:
                shape["type"] = [shape["type"], "null"]
            if isinstance(field.default, (str, int, float, bool)):
                shape["default"] = field.default
            properties[field.name] = shape
        required = [field.name for field in self.fields if field.required]
        whole: JsonObject = {"type": "object", "additionalProperties": False, "properties": properties}
        return whole | ({"required": required} if required else {})


def _may_be_left_empty(field: Field) -> bool:
    """A key with nothing after it, because everything below is commented out, is as good as absent."""
    return isinstance(field.shape, (Object, MapOf, ListOf)) and not field.required
