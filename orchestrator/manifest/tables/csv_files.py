"""CSV files: a header, and the rows below it, read strictly and with the words for what is wrong."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, TextIO

from orchestrator.manifest.tables.cells import Column, blank, header_name
from orchestrator.manifest.tables.tables import Row, Table, fault, opened, stop
from orchestrator.yamlio import Problem

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
NOTES_MAX: Final = 5
_PROSE_LINES: Final = {1: 2}
"""With one separator in a row, two lines of prose with one comma look like two rows: that is too common."""


class Header(NamedTuple):
    """The named columns: at which place of a record each stands. Others must be empty everywhere."""

    columns: Sequence[tuple[int, Column]]
    width: int  # up to the last named column
    written: int  # with the columns behind it that have no name

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(column.name for _place, column in self.columns)


def csv_table(path: Path, delimiter: str | None = None) -> Table:
    """A CSV file in UTF-8 with a header; raises ProblemsError. Without a delimiter, a comma, or what a first
    line `sep=;` says.
    """
    with opened(path) as stream:
        header = _header(path, _records(path, stream, delimiter), delimiter)

    def rows(found: Path) -> Iterator[Row]:
        return _rows(found, delimiter, table)

    table = Table(path, rows, header.names)
    return table


def _records(path: Path, stream: TextIO, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Row number and fields of every record, the header too. Raises ProblemsError at one that is none."""
    number, line = 0, 0
    try:
        first = stream.readline().lstrip("\ufeff")
        if told := _told_separator(first):
            delimiter, first = delimiter or told, ""  # Excel takes this line for itself: the header is row 1
        reader = csv.reader(_lines(first, stream), delimiter=delimiter or ",", strict=True)
        for number, record in enumerate(reader, start=1):
            line = reader.line_num
            yield number, record
    except csv.Error as error:
        _stop_at(path, error, number=number, line=reader.line_num)
    except UnicodeDecodeError:
        stop(path, line + 1, "is not UTF-8 text near here; save the file as CSV UTF-8")


def _told_separator(first: str) -> str:
    """The separator that a first line `sep=;` names; empty when it is no such line."""
    line = first.strip("\r\n")
    return line[-1] if len(line) == len("sep=;") and line.lower().startswith("sep=") else ""


def _lines(first: str, stream: TextIO) -> Iterator[str]:
    if first:
        yield first
    yield from stream


def _stop_at(path: Path, error: csv.Error, *, number: int, line: int) -> NoReturn:
    text = str(error)
    row, hint = f"row {number + 1} cannot be read", ""
    if "limit" in text:
        what, hint = "a cell is longer than 131,072 characters", 'is a quote (") never closed?'
    elif "unexpected end" in text:
        what = 'a quote (") opens a cell, and the file ends before it is closed'
        hint = 'remove the quote, or write "" for one that belongs to the text'
    elif "expected after" in text:
        what = 'there is text after the quote (") that closes a cell'
        hint = 'write "" for a quote that belongs to the text'
    else:
        what = text
    stop(path, line, f"{row}: {what}", hint=hint)


def _header(path: Path, records: Iterator[tuple[int, list[str]]], delimiter: str | None) -> Header:
    first = next(records, None)
    if first is None or all(blank(name) for name in first[1]):
        stop(path, 1, "is empty; expected a header with column names in row 1")
    columns: list[tuple[int, Column]] = []
    for place, text in enumerate(first[1]):
        name = header_name(text)
        if "\x00" in name:
            stop(path, 1, "the header holds a NUL character")
        if name in {column.name for _place, column in columns}:
            stop(path, 1, f'the header (row 1) names the column "{name}" twice')
        if name:
            columns.append((place, Column(name)))
    if len(first[1]) == 1 and (found := _other_separator(first[1][0], delimiter)):
        message = f"the columns are separated by {SEPARATORS[found]}"
        stop(path, 1, message, hint=_delimiter_hint(found))
    return Header(columns, columns[-1][0] + 1, len(first[1]))


def _other_separator(header: str, delimiter: str | None) -> str | None:
    """What seems to separate the columns of a header that did not come apart."""
    counts = {char: header.count(char) for char in SEPARATORS if char != (delimiter or ",")}
    best = max(counts, key=lambda char: counts[char])
    return best if counts[best] else None


def _delimiter_hint(separator: str) -> str:
    shown = "\\t" if separator == "\t" else separator
    return f'write {{csv: ..., delimiter: "{shown}"}}'


def _rows(path: Path, delimiter: str | None, table: Table) -> Iterator[Row]:
    with opened(path) as stream:
        records = _records(path, stream, delimiter)
        header = _header(path, records, delimiter)
        table.notes.clear()
        for number, record in records:
            if problem := _problem(path, number, record, header=header):
                yield Row(number, {}, problem)
                continue
            values = (
                {column.name: column.cell(record[place]) for place, column in header.columns}
                if record
                else {}
            )
            if not any(values.values()):
                values = {}
            elif len(table.notes) < NOTES_MAX and (note := _merged(number, record, delimiter or ",")):
                table.notes.append(note)
            yield Row(number, values)


def _problem(path: Path, number: int, record: list[str], *, header: Header) -> Problem | None:
    """Why a record cannot be a row. Fields beyond the header may be there when they are empty, as
    spreadsheets write them; so may lines of blanks.
    """
    if len(record) < header.width:
        if all(blank(text) for text in record):
            record.clear()
            return None
        return _ragged(path, number, record, header=header)
    if len(record) > len(header.columns):
        named = {place for place, _column in header.columns}
        for place, text in enumerate(record):
            if place not in named and not blank(text):
                if place >= header.written:
                    return _ragged(path, number, record, header=header)
                message = (
                    f"row {number} has a value in column {place + 1}, which has no name in the header (row 1)"
                )
                return fault(path, number, message, hint="name the column, or empty it")
    if "\x00" in "".join(record):
        return fault(path, number, f"row {number} holds a NUL character")
    return None


def _ragged(path: Path, number: int, record: list[str], *, header: Header) -> Problem:
    fields = "1 field" if len(record) == 1 else f"{len(record)} fields"
    columns = "1 column" if header.width == 1 else f"{header.width} columns"
    message = f"row {number} has {fields}, the header has {columns}"
    hint = ""
    if len(record) == 1 and (found := _other_separator(record[0], ",")):
        hint = f"are the columns separated by {SEPARATORS[found]}? {_delimiter_hint(found)}"
    elif len(record) > header.width:
        hint = 'put a cell with a separator in it into quotes ("...")'
    return fault(path, number, message, hint=hint)


def _merged(number: int, record: list[str], delimiter: str) -> str:
    """A remark on a row that seems to hold several: two stray quotes hide all that is between them.

    Each of its lines then has as many separators as a row of its own.
    """
    text = "\n".join(field for field in record if "\n" in field)
    if not text or delimiter not in text or len(record) == 1:
        return ""
    lines = 1 + sum(field.count("\n") for field in record)
    inside = sum(field.count(delimiter) for field in record)
    each = len(record) - 1
    if inside + each != each * lines or lines <= _PROSE_LINES.get(each, 1):
        return ""
    return f'row {number} holds line ends and looks like {lines} rows in one: is a quote (") left open?'
