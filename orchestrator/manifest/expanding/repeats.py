"""Combinations that give the same path or ask for the same work: which they are, by walking again.

Rows of a table that stand twice give many of these at once: each such pair of rows is said once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from orchestrator.manifest.combining.axes import AxisValue, RowPlace
from orchestrator.manifest.combining.combinations import Combinations
from orchestrator.manifest.expanding.findings import Findings, described
from orchestrator.manifest.parameters.binding import BoundText

Values = tuple[AxisValue, ...]
_NAMED_MAX: Final = 5
_KEPT_MAX: Final = 1_000


class Pair(NamedTuple):
    """Two rows of one table that a name is bound to, and the cells of the second."""

    first: RowPlace
    second: RowPlace
    cells: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells it from other pairs."""
        return self.first.name, self.first.number, self.second.number


@dataclass(slots=True)
class Repeats:
    """Jobs that ask for the work and the files of an earlier one, and are made once."""

    jobs: int = 0
    _kept: list[tuple[int, Values]] = field(default_factory=list)

    def add(self, first: int, values: Values) -> None:
        """A combination that repeats that of ordinal `first`."""
        self.jobs += 1
        if len(self._kept) < _KEPT_MAX:
            self._kept.append((first, values))

    def words(self, combinations: Combinations, variations: int) -> str:
        """What a plan says; empty when there are none."""
        if not self.jobs:
            return ""
        jobs = "1 job asks" if self.jobs == 1 else f"{self.jobs} jobs ask"
        found = values_at(combinations, variations, {first for first, _values in self._kept})
        pairs = {
            pair.key: pair
            for first, values in self._kept
            if (pair := rows_apart(found.get(first, ()), values))
        }
        named = [
            f"row {pair.second.number} repeats row {pair.first.number} of {pair.first.table.path.name}"
            for pair in list(pairs.values())[:_NAMED_MAX]
        ]
        more = f" and {len(pairs) - len(named)} more" if len(pairs) > len(named) else ""
        rows = f" ({', '.join(named)}{more})" if named else ""
        return (
            f"{jobs} for exactly what an earlier one asks for, and is made once{rows}; use variations to "
            "have it again on purpose"
        )


def values_at(combinations: Combinations, variations: int, wanted: Collection[int]) -> dict[int, Values]:
    """The combinations of some ordinals."""
    if not wanted:
        return {}
    last = max(wanted)
    found: dict[int, Values] = {}
    for number, (values, _bits) in enumerate(combinations.walk()):
        if number * variations > last:
            break
        for ordinal in range(number * variations, (number + 1) * variations):
            if ordinal in wanted:
                found[ordinal] = values
    return found


def rows_apart(one: Values, other: Values) -> Pair | None:
    """The rows of the only axis that two combinations differ in; None when it is another kind of pair."""
    apart = [(a, b) for a, b in zip(one, other, strict=False) if a.number != b.number]
    if len(one) != len(other) or len(apart) != 1:
        return None
    (first, second) = apart[0]
    if len(first.rows) != 1 or len(second.rows) != 1 or len(second.bindings) != 1:
        return None
    return Pair(first.rows[0], second.rows[0], second.bindings[second.rows[0].name])


def explain_collisions(
    findings: Findings,
    combinations: Combinations,
    *,
    output: BoundText,
    columns: Sequence[tuple[str, str]],
    variations: int,
) -> None:
    """Say which two combinations give the same path. `columns` are those that the output template uses, each
    with its axis.
    """
    ordinals = {ordinal for pair in findings.collisions for ordinal in pair[:2]}
    found = values_at(combinations, variations, ordinals)
    pairs: dict[tuple[str, int, int], tuple[Pair, list[str]]] = {}
    others: list[tuple[int, int, str]] = []
    for first, second, path in findings.collisions:
        pair = rows_apart(found.get(first, ()), found.get(second, ()))
        if pair is None:
            others.append((first, second, path))
        else:
            pairs.setdefault(pair.key, (pair, []))[1].append(path)
    for pair, paths in pairs.values():
        _row_twice(findings, pair, paths, columns=columns)
    hint = missing_axes(combinations, output)
    for first, second, path in others[:_NAMED_MAX]:
        origins = f"{described(found.get(first, ()))} and {described(found.get(second, ()))}"
        if first == second:
            origins = f"two pictures of {described(found.get(first, ())) or 'one job'}"
        message = f'two pictures would have the path "{path}" (capitals do not count): {origins}'
        findings.wrong_always(("output",), message, hint)
    if findings.skips and not others:
        findings.collisions.clear()


def _row_twice(
    findings: Findings, pair: Pair, paths: list[str], *, columns: Sequence[tuple[str, str]]
) -> None:
    table = pair.first.table.path.name
    same = _same_cells(pair, columns)
    rows = f"rows {pair.first.number} and {pair.second.number} of {table}"
    what = f"{same} stands in {rows}" if same else f"{rows} give the same names"
    if findings.skip(pair.second, f"{same or 'its name'} stands in row {pair.first.number} too"):
        return
    count = "1 picture" if len(paths) == 1 else f"{len(paths):,} pictures"
    message = f'{what}: {count} would have a path twice, such as "{paths[0]}" (capitals do not count)'
    hint = f"remove one row (`skip: [{pair.second.number}]`), or add what tells them apart, or {{{{ key }}}}"
    findings.wrong_always(("output",), message, hint, place=pair.second)


def _same_cells(pair: Pair, columns: Sequence[tuple[str, str]]) -> str:
    """`SKU SE-1006`: the cells of the row that the output template uses."""
    names = [column for axis, column in columns if axis == pair.first.name]
    return ", ".join(f"{name} {pair.cells[name]}" for name in dict.fromkeys(names) if pair.cells.get(name))


def missing_axes(combinations: Combinations, output: BoundText) -> str:
    """A hint: what an output template does not mention."""
    missing = [
        name
        for place, axis in enumerate(combinations.axes)
        if axis.size > 1 and place not in output.axes
        for name in axis.names
    ]
    if not missing:
        return "add what tells them apart, or {{ key }}"
    return f"the output template does not mention {', '.join(missing)}; add it, or {{{{ key }}}}"
