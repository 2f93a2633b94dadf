"""Nodes of `matrix` and `zip` to sources of values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.combining.axes import Source
from orchestrator.manifest.combining.skipping import RowRules
from orchestrator.manifest.tables.csv_files import csv_table
from orchestrator.manifest.tables.globs import found_files
from orchestrator.manifest.tables.nearest_files import closest_file, same_but_for_unicode
from orchestrator.manifest.tables.tables import Table, jsonl_table
from orchestrator.manifest.tables.xlsx_files import xlsx_table
from orchestrator.yamlio import Node, ProblemsError
from orchestrator.yamlio.shapes import Reading, described

KINDS: Final = ("csv", "jsonl", "xlsx", "glob", "range")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "csv": ("delimiter", "skip", "where"),
    "jsonl": ("skip", "where"),
    "xlsx": ("sheet", "skip", "where"),
}
"""What may stand beside the file of a table."""

VALUES_MAX: Final = 1_000_000
GLOB_COLUMNS: Final = ("path", "name", "stem")


def read_source(node: Node, reading: Reading, folder: Path) -> Source | None:
    """The source that a node describes; None after a report."""
    if isinstance(node.value, list):
        return _literal(node, reading)
    if not isinstance(node.value, Mapping):
        hint = "put it in brackets: [...]" if node.text else ""
        reading.expected(
            node,
            "a list, or {csv: ...}, {jsonl: ...}, {xlsx: ...}, {glob: ...} or {range: [first, last]}",
            hint,
        )
        return None
    kind = _kind(node, reading)
    if kind is None:
        return None
    child = node.children[kind]
    if kind == "range":
        return _range(child, reading)
    return (
        _glob(child, reading, folder)
        if kind == "glob"
        else _table(kind=kind, node=node, child=child, reading=reading, folder=folder)
    )


def _kind(node: Node, reading: Reading) -> str | None:
    kinds = [kind for kind in KINDS if kind in node.children]
    for name, child in node.children.items():
        beside = _OPTIONS.get(kinds[0], ()) if len(kinds) == 1 else ()
        if name not in KINDS and name not in beside:
            message = f"unknown kind of source; allowed: {listed(KINDS)}"
            if kinds:
                message = f"unknown key beside {listed(kinds)}; allowed: {listed(beside)}"
            reading.wrong(child.path, message, did_you_mean(str(name), (*KINDS, *beside)), at_key=True)
            return None
    if len(kinds) != 1:
        reading.expected(node, f"exactly one of {listed(KINDS)}")
        return None
    return kinds[0]


def _literal(node: Node, reading: Reading) -> Source | None:
    if not node.children:
        reading.wrong(node.path, "the list is empty; an axis needs at least one value")
        return None
    values: list[Any] = []
    for child in node.children.values():
        if child.value is None or isinstance(child.value, list):
            reading.wrong(child.path, f"expected a plain value or a row, got {described(child)}")
        else:
            values.append(child.value)
    rows = [value for value in values if isinstance(value, Mapping)]
    if not rows:
        return Source(values)
    if len(rows) != len(values):
        reading.wrong(node.path, "mixes rows and plain values; use one kind")
        return None
    return Source(values, columns=tuple(dict.fromkeys(name for row in rows for name in row)))


def _range(node: Node, reading: Reading) -> Source | None:
    items = node.value
    whole = isinstance(items, list) and all(
        isinstance(item, int) and not isinstance(item, bool) for item in items
    )
    if not whole or len(items) not in {2, 3}:
        reading.expected(node, "[first, last] or [first, last, step] in whole numbers, both ends included")
        return None
    first, last = items[0], items[1]
    step = items[2] if len(items) == 3 else 1  # noqa: PLR2004
    if step == 0:
        reading.wrong(node.path, "the step is 0")
        return None
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if not numbers or abs((last - first) // step) >= VALUES_MAX:
        what = "holds no number" if not numbers else f"holds more than {VALUES_MAX} numbers"
        reading.wrong(node.path, f"the range {what}")
        return None
    return Source(numbers)


def _glob(node: Node, reading: Reading, folder: Path) -> Source | None:
    pattern = node.value
    if not isinstance(pattern, str) or not pattern or "\x00" in pattern or Path(pattern).is_absolute():
        reading.expected(node, 'a pattern relative to the manifest, such as "photos/*.jpg"')
        return None
    try:
        found = found_files(folder, pattern)
    except (OSError, ValueError, NotImplementedError, IndexError) as error:
        reading.wrong(node.path, f"cannot be searched: {error}")
        return None
    if not found.rows:
        hint = found.note or ("write / between folders, not \\" if "\\" in pattern else "")
        reading.wrong(node.path, f'"{pattern}" matches no file; an axis needs at least one value', hint)
        return None
    return Source(found.rows, columns=GLOB_COLUMNS, notes=(found.note,) if found.note else ())


def _table(kind: str, node: Node, child: Node, reading: Reading, folder: Path) -> Source | None:
    if not isinstance(child.value, str) or not child.value or "\x00" in child.value:
        reading.expected(child, f"the name of a {kind.upper()} file")
        return None
    path = folder / child.value
    if not path.is_file():
        path = same_but_for_unicode(path) or path
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else ""
        message = f'"{child.value}" {what}' if what else f'there is no file "{child.value}"'
        reading.wrong(child.path, message, "" if what else closest_file(path))
        return None
    if kind != "xlsx" and path.suffix.lower() in {".xlsx", ".xlsm"}:
        reading.wrong(child.path, f'"{child.value}" is a workbook', f"write {{xlsx: {child.value}}}")
        return None
    try:
        table = _opened(kind, node, path, reading=reading)
    except ProblemsError as error:
        for problem in error.problems:
            reading.report.add(problem)
        return None
    if table is None:
        return None
    rules = RowRules(table, reading)
    rules.read(node.children.get("skip"), node.children.get("where"))
    table.sieve = rules
    return Source(table=table, columns=table.columns, rules=rules)


def _opened(kind: str, node: Node, path: Path, *, reading: Reading) -> Table | None:
    """The table in a file; None after a report. Raises ProblemsError."""
    if kind == "jsonl":
        return jsonl_table(path)
    if kind == "xlsx":
        sheet = node.children.get("sheet")
        if sheet is not None and (not isinstance(sheet.value, str) or not sheet.value):
            reading.expected(sheet, "the name of a sheet")
            return None
        return xlsx_table(path, sheet.value if sheet else None)
    delimiter = node.children.get("delimiter")
    separator = delimiter.value if delimiter else None
    if delimiter is not None and (
        not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n'
    ):
        hint = 'write "\\t" in double quotes for a tab' if separator == "\\t" else ""
        reading.wrong(node.path, 'delimiter: expected one character, such as ";"', hint)
        return None
    return csv_table(path, separator)
