"""Leaving out rows of tables that turn out to be wrong, where a person has asked for it, and saying which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.manifest.combining.axes import Axis
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.expand import Expansion
from orchestrator.manifest.parameters.blame import one_table
from orchestrator.manifest.tables.tables import Skipped, Table

_PASSES_MAX: Final = 10


@dataclass(frozen=True)
class LeftOut:
    """The rows of one table that a manifest does not use."""

    table: str
    skipped: Sequence[Skipped]
    blank: Sequence[int]  # rows without any value


def leave_out_bad_rows(blueprint: Blueprint) -> None:
    """Expand until no row of a table is wrong, each time without those that were. A table whose rows are all
    wrong is left as it is: then it is the manifest that is to be mended.
    """
    for _pass in range(_PASSES_MAX):
        expansion = Expansion(blueprint, skips=True)
        for _spec in expansion.specs():
            pass
        if not expansion.findings.bad or not _take(blueprint.combinations.axes, expansion.findings.bad):
            return
        blueprint.combinations.load()


def left_out(axes: Sequence[Axis]) -> list[LeftOut]:
    """What every table of the axes leaves out; those that use all of their rows are not among them."""
    return [
        LeftOut(table.path.name, table.skipped, table.blank)
        for table in _tables(axes)
        if table.skipped or table.blank
    ]


def notes(axes: Sequence[Axis]) -> list[str]:
    """What looks odd about the sources of the axes."""
    found = [note for axis in axes for source in axis.sources.values() for note in source.notes]
    return found + [f"{table.path.name}: {note}" for table in _tables(axes) for note in table.notes]


def _tables(axes: Sequence[Axis]) -> list[Table]:
    return [source.table for axis in axes for source in axis.sources.values() if source.table is not None]


def _take(axes: Sequence[Axis], bad: dict[tuple[str, int], str]) -> bool:
    """Leave the rows out of their tables; False when nothing would be left of one."""
    changed = False
    for axis in axes:
        for name, source in axis.sources.items():
            rows = {row: reason for (axis_name, row), reason in bad.items() if axis_name == name}
            if source.table is None or not rows or not one_table(axis):
                continue
            if len(rows) >= axis.size:
                return False
            source.table.bad.update(rows)
            axis.size = source.table.count()
            changed = True
    return changed
