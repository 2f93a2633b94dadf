"""Rows of CSV and JSONL files, one at a time, with the row number a spreadsheet shows."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TextIO

from orchestrator.core.suggest import nearest
from orchestrator.yamlio import Number, Problem, ProblemsError

LINE_CHARS_MAX: Final = 1_000_000


class Row(NamedTuple):
    """One row: its number as a spreadsheet or an editor shows it (a CSV header is row 1), and its values."""

    number: int
    values: dict[str, Any]


class Table:
    """A file of rows. Reading it again gives the same rows; nothing is kept in memory."""

    def __init__(
        self, path: Path, rows: Callable[[Path], Iterator[Row]], columns: tuple[str, ...] | None
    ) -> None:
        self.path = path
        self.columns = columns  # None when each row may have its own
        self._rows = rows

    def rows(self) -> Iterator[Row]:
        """Every row in order; raises ProblemsError at the first that cannot be read."""
        return self._rows(self.path)

    def count(self) -> int:
        """How many rows there are; reads the file once."""
        return sum(1 for _row in self.rows())


def csv_table(path: Path, delimiter: str = ",") -> Table:
    """A CSV file in UTF-8 with a header; raises ProblemsError."""

    def rows(found: Path) -> Iterator[Row]:
        return _csv_rows(found, delimiter)

    with _opened(path) as stream:
        header = _header(path, _csv_records(path, stream, delimiter), delimiter)
    return Table(path, rows, tuple(header))


def jsonl_table(path: Path) -> Table:
    """A file with one JSON object on each line; raises ProblemsError."""
    with _opened(path):
        pass
    return Table(path, _jsonl_rows, None)


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            _stop(path, 0, "there is no such file", hint=closest_file(path))
        _stop(path, 0, f"cannot be read: {error.strerror or error}")


def _csv_records(path: Path, stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Row number and fields of every record, the header too."""
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            yield number, record
    except csv.Error as error:
        hint = f'is a quote (") after row {number} never closed?' if "limit" in str(error) else ""
        _stop(path, reader.line_num, f"row {number + 1} cannot be read: {error}", hint=hint)
    except UnicodeDecodeError:
        _stop(path, reader.line_num + 1, "is not UTF-8 text near here; save the file as CSV UTF-8")


def _header(path: Path, records: Iterator[tuple[int, list[str]]], delimiter: str) -> list[str]:
    first = next(records, None)
    if first is None or not any(first[1]):
        _stop(path, 1, "is empty; expected a header with column names in row 1")
    header = [name.strip() for name in first[1]]
    for position, name in enumerate(header):
        if not name:
            _stop(path, 1, f"column {position + 1} has no name in the header (row 1)")
        if name in header[:position]:
            _stop(path, 1, f'the header (row 1) names the column "{name}" twice')
        if "\x00" in name:
            _stop(path, 1, "the header holds a NUL character")
    if len(header) == 1 and delimiter == "," and ";" in header[0]:
        _stop(path, 1, "the columns are separated by semicolons", hint='write {csv: ..., delimiter: ";"}')
    return header


def _csv_rows(path: Path, delimiter: str) -> Iterator[Row]:
    with _opened(path) as stream:
        records = _csv_records(path, stream, delimiter)
        header = _header(path, records, delimiter)
        width = len(header)
        for number, record in records:
            if len(record) != width:
                if not record:
                    continue  # a blank line
                _stop(path, number, f"row {number} has {len(record)} fields, the header has {width}")
            if "\x00" in "".join(record):
                _stop(path, number, f"row {number} holds a NUL character")
            yield Row(number, dict(zip(header, record, strict=True)))


def _jsonl_rows(path: Path) -> Iterator[Row]:
    with _opened(path) as stream:
        number = 0
        try:
            while line := stream.readline(LINE_CHARS_MAX + 1):
                number += 1
                if len(line) > LINE_CHARS_MAX:
                    _stop(path, number, f"row {number} is longer than {LINE_CHARS_MAX} characters")
                if line.strip():
                    yield Row(number, _json_row(path, number, line))
        except UnicodeDecodeError:
            _stop(path, number + 1, "is not UTF-8 text near here; save the file as UTF-8")


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_float=Number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "not a value we can hold"
        _stop(path, number, f"row {number} is not JSON: {reason}")
    if not isinstance(row, dict):
        _stop(path, number, f"row {number} is not a JSON object {{...}}")
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def closest_file(path: Path) -> str:
    """A hint that names the existing file most like a missing one."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = (entry.name for entry in folder.iterdir())
    found = nearest(path.name, names)
    return f"closest existing file: {folder / found}" if found else f"nothing in {folder} has a similar name"


def _stop(path: Path, line: int, message: str, hint: str = "") -> NoReturn:
    problem = Problem(file=str(path), line=line, column=1 if line else 0, path="", message=message, hint=hint)
    raise ProblemsError([problem])
