"""Sheets of XLSX workbooks as tables: what a person sees in a cell, as text. Needs the extra `xlsx`."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.tables.cells import Column, blank, header_name
from orchestrator.manifest.tables.tables import Row, Table, fault, stop

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_DIGITS: Final = 15
"""What a spreadsheet shows of a number: 12.5, not the 12.500000000000002 that the file may hold."""


def xlsx_table(path: Path, sheet: str | None = None) -> Table:
    """A sheet with a header in its first row that has a value; the first sheet when none is named. Raises
    ProblemsError.
    """
    book = _workbook(path)
    try:
        name = _sheet_name(path, book.sheetnames, sheet)
    finally:
        book.close()
    header = _header(path, next(_filled(path, name), None))

    def rows(found: Path) -> Iterator[Row]:
        return _rows(found, name)

    return Table(path, rows, tuple(column.name for _place, column in header))


def _workbook(path: Path) -> "Workbook":
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError:
        message = "is an XLSX file, and no library for it is installed"
        stop(path, 0, message, hint='install "orchestrator[xlsx]", or save the sheet as CSV UTF-8')
    try:
        return load_workbook(path, read_only=True, data_only=True)  # values, not formulas
    except Exception as error:  # noqa: BLE001 - whatever a zip of XML may raise: it is no workbook
        words = str(error).partition("\n")[0] or type(error).__name__
        stop(path, 0, f"is not an XLSX workbook that can be read: {words}", hint="save it again as .xlsx")


def _sheet_name(path: Path, names: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return names[0]
    if wanted not in names:
        stop(path, 0, f'has no sheet "{wanted}"; sheets: {listed(names)}', hint=did_you_mean(wanted, names))
    return wanted


def _filled(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Row number and texts of every row that has a value, the header too; other rows have no texts."""
    book = _workbook(path)
    try:
        found = False
        for number, row in enumerate(book[sheet].iter_rows(), start=1):
            texts = [_text(cell.value, str(cell.number_format or "")) for cell in row]
            found = found or not all(blank(text) for text in texts)
            if found:
                yield number, texts
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        stop(path, 0, f'the sheet "{sheet}" cannot be read: {error}', hint="save it again as .xlsx")
    finally:
        book.close()


def _header(path: Path, first: tuple[int, list[str]] | None) -> list[tuple[int, Column]]:
    if first is None:
        stop(path, 1, "is empty; expected a header with column names in the first row")
    columns: list[tuple[int, Column]] = []
    for place, text in enumerate(first[1]):
        name = header_name(text)
        if name in {column.name for _place, column in columns}:
            stop(path, first[0], f'the header (row {first[0]}) names the column "{name}" twice')
        if name:
            columns.append((place, Column(name)))
    return columns


def _rows(path: Path, sheet: str) -> Iterator[Row]:
    filled = _filled(path, sheet)
    first = next(filled, None)
    header = _header(path, first)
    named = {place for place, _column in header}
    for number, texts in filled:
        unnamed = next((at for at, text in enumerate(texts) if at not in named and not blank(text)), None)
        if unnamed is not None:
            message = f"row {number} has a value in column {unnamed + 1}, which has no name in the header"
            yield Row(number, {}, fault(path, number, message, hint="name the column, or empty it"))
            continue
        values = {column.name: column.cell(texts[at] if at < len(texts) else "") for at, column in header}
        yield Row(number, values if any(values.values()) else {})


def _text(value: Any, shown_as: str) -> str:
    """A value as a person sees it: 12.5, 7, 2026-11-28, TRUE; text as it is, with its leading zeros."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value, shown_as)
        case datetime() | date() | time():
            return _moment(value)
        case _:
            return str(value)


def _number(value: float, shown_as: str) -> str:
    if float(value).is_integer() and abs(value) < 10**_DIGITS:
        return str(int(value)).zfill(_zeros(shown_as))
    return _plain(value)


def _moment(value: date | time) -> str:
    """A day without the midnight that a spreadsheet keeps with it."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ", "seconds")
    return value.isoformat("seconds") if isinstance(value, time) else value.isoformat()


def _zeros(shown_as: str) -> int:
    """How many digits a format like 00000 fills up to: article numbers that are kept as numbers."""
    return len(shown_as) if shown_as and not shown_as.strip("0") else 0


def _plain(value: float) -> str:
    """A fraction in plain digits, never in powers of ten."""
    text = f"{value:.{_DIGITS}g}"
    if "e" not in text:
        return text
    return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
