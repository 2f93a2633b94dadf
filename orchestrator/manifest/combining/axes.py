"""Axes: named lists of values that are combined, and where each value comes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from orchestrator.manifest.combining.skipping import RowRules
from orchestrator.manifest.tables.tables import Table

Columns = tuple[str, ...] | None
PLAIN: Final[
    Columns
] = ()  # the values of an axis are no rows; None means that each row may have its own columns


class RowPlace(NamedTuple):
    """A row of a table that a name of an axis is bound to."""

    name: str
    table: Table
    number: int


class AxisValue:
    """One value of an axis: what it binds, where it is written, which conditions it meets, what was made of
    it.

    A zip group is one axis that binds several names at once. `mask` has bit n set unless condition n names
    this axis and is not met. `cache` holds what templates over this value alone gave, so that each is filled
    in once.
    """

    __slots__ = ("bindings", "cache", "mask", "number", "origin", "rows")

    def __init__(
        self,
        bindings: Mapping[str, Any],
        origin: str,
        number: int,
        *,
        mask: int,
        rows: tuple[RowPlace, ...] = (),
    ) -> None:
        self.bindings = bindings
        self.origin = origin
        self.rows = rows  # of tables, that it comes from
        self.number = number
        self.mask = mask
        self.cache: dict[int, Any] = {}

    @property
    def place(self) -> str:
        """Where it stands: `products.csv row 3`; empty for values that speak for themselves."""
        return self.origin or ", ".join(f"{row.table.path.name} row {row.number}" for row in self.rows)

    def shown(self) -> tuple[tuple[str, str], ...]:
        """Names and short texts: `product.sku` and A-3, or `scene` and beach."""
        return tuple(_shown(name, value) for name, value in self.bindings.items())

    def describe(self) -> str:
        """`product.sku=A-3 (products.csv row 3)`, or `scene=beach`."""
        text = ", ".join(f"{name}={value}" if value else name for name, value in self.shown())
        place = self.place
        return f"{text} ({place})" if place else text


@dataclass(frozen=True)
class Condition:
    """A partial match over axes, the same for `exclude` and `override: when`: name to the values it
    allows.
    """

    wanted: Mapping[str, Sequence[Any]]
    sound: bool = True  # False for one that was reported already: nothing follows from what it matches

    def met(self, bindings: Mapping[str, Any]) -> bool:
        """Whether every name that is bound here has one of the wanted values."""
        return self.sound and all(
            any(matches(bindings[name], value) for value in values)
            for name, values in self.wanted.items()
            if name in bindings
        )


@dataclass(frozen=True)
class Source:
    """Where the values of one name come from: a list in memory, or a table that is read row by row."""

    values: Sequence[Any] = ()
    table: Table | None = None
    columns: Columns = PLAIN
    rules: RowRules | None = None  # which rows of the table are left out
    notes: tuple[str, ...] = ()  # what looks odd

    def items(self) -> Iterator[tuple[Any, int]]:
        """Each value with the number of its row; 0 for values that are in no table."""
        if self.table is not None:
            for row in self.table.rows():
                yield row.values, row.number
        else:
            for value in self.values:
                yield value, 0

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

    def value(self, bindings: Mapping[str, Any], number: int, rows: tuple[RowPlace, ...] = ()) -> AxisValue:
        """A value of this axis, with its mask over the conditions."""
        mask = 0
        for bit, condition in enumerate(self.conditions):
            if condition.met(bindings):
                mask |= 1 << bit
        return AxisValue(bindings=bindings, origin="", number=number, mask=mask, rows=rows)

    def _read(self) -> Iterator[AxisValue]:
        if len(self.sources) == 1:
            ((name, source),) = self.sources.items()
            table = source.table
            for number, (value, row) in enumerate(source.items()):
                place = None if table is None else RowPlace(name, table, row)
                yield self.value({name: value}, number, () if place is None else (place,))
            return
        columns = [source.items() for source in self.sources.values()]
        tables = [(name, source.table) for name, source in self.sources.items()]
        for number, items in enumerate(zip(*columns, strict=False)):
            bindings = {name: item[0] for name, item in zip(self.sources, items, strict=True)}
            rows = tuple(
                RowPlace(name, table, item[1])
                for (name, table), item in zip(tables, items, strict=True)
                if table is not None
            )
            yield self.value(bindings, number, rows)


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
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(name: str, value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        first = next(((column, one) for column, one in value.items() if one != ""), None)
        return (f"{name}.{first[0]}", _cut(first[1])) if first else (name, "")
    return name, _cut(value)


def _cut(value: Any) -> str:
    text = _plain(value)
    return text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004
