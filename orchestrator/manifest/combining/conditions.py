"""`exclude`, `override` and `add`: nodes to conditions and whole combinations, names checked against the
axes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.combining.axes import PLAIN, Axis, AxisValue, Condition, Source, as_list
from orchestrator.yamlio import Node
from orchestrator.yamlio.shapes import Reading, described


def read_condition(
    wanted: Mapping[str, Node], node: Node, sources: Mapping[str, Source], reading: Reading
) -> Condition:
    """A partial match over the axes; problems with names go to the reading."""
    problems = len(reading.report.problems)
    if not wanted:
        reading.wrong(node.path, "is empty, so it would match everything; name an axis and a value")
    for name, child in wanted.items():
        source = sources.get(name)
        if source is None:
            message = f"there is no axis of this name; axes: {listed(sources)}"
            reading.wrong(child.path, message, _column_hint(name, sources), at_key=True)
        elif child.value is None or child.value == []:
            reading.wrong(
                child.path, f"expected a value, a list of values or a part of a row, got {described(child)}"
            )
        else:
            _check_kind(child=child, name=name, source=source, reading=reading)
    sound = len(reading.report.problems) == problems
    return Condition({name: as_list(child.value) for name, child in wanted.items()}, sound)


def _column_hint(name: str, sources: Mapping[str, Source]) -> str:
    """`p.Foto` is written as a part of a row; otherwise the nearest axis."""
    axis, _dot, column = name.partition(".")
    if column and axis in sources and sources[axis].columns != PLAIN:
        return f"write {axis}: {{{column}: ...}}"
    return did_you_mean(name, sources)


def _check_kind(child: Node, name: str, source: Source, reading: Reading) -> None:
    """Rows are matched by their columns, plain values by themselves."""
    items = list(child.children.values()) if isinstance(child.value, list) else [child]
    for item in items:
        is_row = isinstance(item.value, Mapping)
        if is_row and source.columns == PLAIN:
            reading.wrong(item.path, f"{name} holds plain values, not rows; write the value itself")
        elif not is_row and source.columns:
            example = f"{{{source.columns[0]}: ...}}"
            reading.wrong(item.path, f"{name} holds rows; name a column: {example}")
        elif is_row and source.columns:
            for column, place in item.children.items():
                if column not in source.columns:
                    message = f"{name} has no such column; columns: {listed(source.columns)}"
                    reading.wrong(place.path, message, did_you_mean(str(column), source.columns), at_key=True)


def read_addition(
    entry: Mapping[str, Node], node: Node, axes: Sequence[Axis], reading: Reading
) -> tuple[AxisValue, ...] | None:
    """One whole combination: a value for every axis and nothing else; None after a report."""
    names = [name for axis in axes for name in axis.names]
    sound = True
    for name, child in entry.items():
        if name not in names:
            message = f"there is no axis of this name; axes: {listed(names)}"
            reading.wrong(child.path, message, did_you_mean(name, names), at_key=True)
            sound = False
        elif child.value is None or isinstance(child.value, list):
            reading.wrong(child.path, f"expected a plain value or a row, got {described(child)}")
            sound = False
    if missing := [name for name in names if name not in entry]:
        reading.wrong(node.path, f"a whole combination needs a value for {listed(missing)} too")
        sound = False
    if not sound:
        return None
    origin = node.name
    values: list[AxisValue] = []
    for axis in axes:
        bindings: dict[str, Any] = {name: entry[name].value for name in axis.names}
        values.append(AxisValue(bindings=bindings, origin=origin, number=-1, mask=0))
    return tuple(values)
