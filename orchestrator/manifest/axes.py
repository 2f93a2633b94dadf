"""Axes: named lists of values that are combined, and where each value comes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.manifest.tables import Table

Columns = tuple[str, ...] | None
PLAIN: Final[
    Columns
] = ()  # the values of an axis are no rows; None means that each row may have its own columns


class AxisValue:
    """One value of an axis: what it binds, where it is written, which conditions it meets, what was made of
    it.

    A zip group is one axis that binds several names at once. `mask` has bit n set unless condition n names
    this axis and is not met. `cache` holds what templates over this value alone gave, so that each is filled
    in once.
    """

    __slots__ = ("bindings", "cache", "mask", "number", "origin")

    def __init__(self, bindings: Mapping[str, Any], origin: str, number: int, mask: int) -> None:
        self.bindings = bindings
        self.origin = origin
        self.number = number
        self.mask = mask
        self.cache: dict[int, Any] = {}

    def describe(self) -> str:
        """`product: products.csv row 3 (sku=A-3)`, or `scene=beach`."""
        words = [_shown(name, value) for name, value in self.bindings.items()]
        text = ", ".join(words)
        return f"{text} ({self.origin})" if self.origin else text


@dataclass(frozen=True)
class Condition:
    """A partial match over axes, the same for `exclude` and `override: when`: name to the values it
    allows.
    """

    wanted: Mapping[str, Sequence[Any]]

    def met(self, bindings: Mapping[str, Any]) -> bool:
        """Whether every name that is bound here has one of the wanted values."""
        return all(
            any(matches(bindings[name], value) for value in values)
            for name, values in self.wanted.items()
            if name in bindings
        )


@dataclass(frozen=True)
class Source:
    """Where the values of one name come from: a list in memory, or a table that is read row by row."""

    values: Sequence[Any] = ()
    origins: Sequence[str] = ()
    table: Table | None = None
    columns: Columns = PLAIN

    def items(self) -> Iterator[tuple[Any, str]]:
        """Each value with the words for its place; empty for values that speak for themselves."""
        if self.table is not None:
            name = self.table.path.name
            for row in self.table.rows():
                yield row.values, f"{name} row {row.number}"
        else:
            for index, value in enumerate(self.values):
                yield value, self.origins[index] if self.origins else ""

    def count(self) -> int:
        """How many values there are; reads a table once."""
        return self.table.count() if self.table is not None else len(self.values)


@dataclass
class Axis:
    """One axis of the product: the names it binds and their sources, side by side."""

    sources: Mapping[str, Source]
    conditions: Sequence[Condition] = ()
    size: int = 0
    loaded: list[AxisValue] | None = field(default=None, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What it binds."""
        return tuple(self.sources)

    def load(self) -> None:
        """Keep every value in memory, for an axis that is walked many times."""
        self.loaded = list(self._read())

    def values(self) -> Iterator[AxisValue]:
        """Every value in written order, from memory or read again."""
        return iter(self.loaded) if self.loaded is not None else self._read()

    def value(self, bindings: Mapping[str, Any], origin: str, number: int) -> AxisValue:
        """A value of this axis, with its mask over the conditions."""
        mask = 0
        for bit, condition in enumerate(self.conditions):
            if condition.met(bindings):
                mask |= 1 << bit
        return AxisValue(bindings=bindings, origin=origin, number=number, mask=mask)

    def _read(self) -> Iterator[AxisValue]:
        if len(self.sources) == 1:
            ((name, source),) = self.sources.items()
            for number, (value, origin) in enumerate(source.items()):
                yield self.value({name: value}, origin, number)
            return
        columns = [source.items() for source in self.sources.values()]
        for number, items in enumerate(zip(*columns, strict=False)):
            bindings = {name: item[0] for name, item in zip(self.sources, items, strict=True)}
            origin = ", ".join(item[1] for item in items if item[1])
            yield self.value(bindings, origin, number)


def matches(value: Any, wanted: Any) -> bool:
    """Whether a bound value is what a condition wants: equal, or written alike, or a row with the wanted
    columns.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(value, Mapping):
            return False
        return all(
            name in value and any(matches(value[name], one) for one in as_list(want))
            for name, want in wanted.items()
        )
    if isinstance(value, Mapping):
        return False
    return _plain(value) == _plain(wanted)


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as its only item."""
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        first = next(iter(value.items()), None)
        return f"{name}.{first[0]}={_cut(first[1])}" if first else name
    return f"{name}={_cut(value)}"


def _cut(value: Any) -> str:
    text = _plain(value)
    return text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004
