"""Empty cells that templates use: said once for a column, with rows, jobs, and what those cost."""

from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.money import format_usd
from orchestrator.core.suggest import listed
from orchestrator.manifest.combining.axes import AxisValue, RowPlace
from orchestrator.manifest.templating.template_problems import Hole, Wrong
from orchestrator.yamlio import Document, Problem, TableCell
from orchestrator.yamlio.document import Path

_ROWS_NAMED: Final = 8


@dataclass(slots=True)
class _Use:
    path: Path
    values: tuple[AxisValue, ...]
    rows: dict[int, None] = field(default_factory=dict)
    jobs: int = 0
    micros: int = 0


class Holes:
    """Counts what each column's empty cells would spoil."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._uses: dict[tuple[str, str, str, str], _Use] = {}  # axis, table, column, what is wrong with it

    def __bool__(self) -> bool:
        return bool(self._uses)

    def place(self, hole: Hole, values: tuple[AxisValue, ...]) -> RowPlace | None:
        """The row whose cell it is."""
        for value in values:
            for row in value.rows:
                if value.bindings[row.name].get(hole.column) is hole:
                    return row
        return None

    def add(
        self,
        wrong: Wrong,
        place: RowPlace | None,
        values: tuple[AxisValue, ...],
        *,
        jobs: int,
        micros: int,
    ) -> None:
        """So many jobs of one combination use the cell."""
        assert wrong.hole is not None
        name, table = (place.name, place.table.path.name) if place else ("", "")
        key = (name, table, wrong.hole.column, wrong.hole.fault)
        use = self._uses.setdefault(key, _Use(wrong.path, values))
        use.jobs += jobs
        use.micros += micros
        if place:
            use.rows[place.number] = None

    def problems(self) -> list[Problem]:
        """A problem for each column."""
        return [self._problem(key, use) for key, use in self._uses.items()]

    def _problem(self, key: tuple[str, str, str, str], use: _Use) -> Problem:
        name, table, column, fault = key
        rows = list(use.rows)
        where = f" in {_rows(rows)} of {table}" if rows else ""
        cost = f" (${format_usd(use.micros)})" if use.micros else ""
        jobs = "1 job uses it" if use.jobs == 1 else f"{use.jobs:,} jobs use it"
        message = f"column {column} {fault}{where}; {jobs}{cost}"
        written = f"{name}.{column}" if column.isidentifier() else f"{name}['{column}']"
        return self._document.problem(
            use.path,
            message,
            f'fill it in; or leave such rows out by `skip: ["empty {column}"]`; or write '
            f'{{{{ {written} | default("...") }}}}',
            part=written if name else "",
            cell=TableCell(table, rows[0] if rows else 0, column),
            combination=tuple(pair for value in use.values for pair in value.shown()),
        )


def _rows(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    return f"rows {listed((f'{number}' for number in numbers), limit=_ROWS_NAMED)}"
