"""Tables: rows with the number a spreadsheet shows, one at a time, without those that are left out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, Protocol, TextIO

from orchestrator.manifest.tables.nearest_files import closest_file
from orchestrator.manifest.templating.template_problems import Hole
from orchestrator.yamlio import Number, Problem, ProblemsError

LINE_CHARS_MAX: Final = 1_000_000
FAULTS_MAX: Final = 100


class Row(NamedTuple):
    """One row: its number as a spreadsheet or an editor shows it (a CSV header is row 1), and its values.

    A row without values is blank. `fault` says what is wrong with one that cannot be read; the rest of the
    file can.
    """

    number: int
    values: dict[str, Any]
    fault: Problem | None = None


class Skipped(NamedTuple):
    """A row that is left out, and why, in words."""

    number: int
    reason: str


class Sieve(Protocol):
    """Which rows somebody wants to be left out."""

    def reason(self, row: Row) -> str | None:
        """Why a row is left out; None when it stays. Raises ProblemsError."""
        ...


class Table:
    """A file of rows. Reading it again gives the same; only what is left out is kept in memory."""

    def __init__(
        self, path: Path, rows: Callable[[Path], Iterator[Row]], columns: tuple[str, ...] | None
    ) -> None:
        self.path = path
        self.columns = columns  # None when each row may have its own
        self.sieve: Sieve | None = None
        self.bad: dict[int, str] = {}  # rows that turned out to be wrong, and are to be left out as well
        self.skipped: list[Skipped] = []  # as of the last count
        self.blank: list[int] = []
        self.lenient = False  # whether rows that cannot be read are left out
        self.notes: list[str] = []  # what looks odd in it
        self._rows = rows
        self._left_out: frozenset[int] = frozenset()

    def rows(self) -> Iterator[Row]:
        """Every row that stays, in order; raises ProblemsError at the first that cannot be read."""
        left_out = self._left_out
        for row in self._rows(self.path):
            if not row.values or row.number in left_out:
                if row.fault is None or row.number in left_out:
                    continue
                raise ProblemsError([row.fault])
            yield row

    def count(self) -> int:
        """How many rows stay; reads the file once, and decides which. Raises ProblemsError with everything
        that is wrong with it.
        """
        self.skipped, self.blank = [], []
        faults: list[Problem] = []
        number = 0
        for row in self._rows(self.path):
            reason = self.bad.get(row.number) or (self.sieve.reason(row) if self.sieve else None)
            if reason is not None:
                self.skipped.append(Skipped(row.number, reason))
            elif row.fault is not None and self.lenient:
                self.skipped.append(Skipped(row.number, row.fault.message))
            elif row.fault is not None:
                faults.append(row.fault)
                if len(faults) >= FAULTS_MAX:
                    break
            elif not row.values:
                self.blank.append(row.number)
            else:
                number += 1
        if faults:
            raise ProblemsError(faults, complete=len(faults) < FAULTS_MAX)
        self._left_out = frozenset(row.number for row in self.skipped)
        return number


def jsonl_table(path: Path) -> Table:
    """A file with one JSON object on each line; raises ProblemsError."""
    with opened(path):
        pass
    return Table(path, _jsonl_rows, None)


def opened(path: Path) -> TextIO:
    """A text file in UTF-8; raises ProblemsError."""
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            stop(path, 0, "there is no such file", hint=closest_file(path))
        stop(path, 0, f"cannot be read: {error.strerror or error}")


def _jsonl_rows(path: Path) -> Iterator[Row]:
    with opened(path) as stream:
        number = 0
        try:
            while line := stream.readline(LINE_CHARS_MAX + 1):
                number += 1
                if len(line) > LINE_CHARS_MAX:
                    stop(path, number, f"row {number} is longer than {LINE_CHARS_MAX} characters")
                if line.strip("\ufeff \t\r\n"):
                    yield _json_row(path, number, line)
        except UnicodeDecodeError:
            stop(path, number + 1, "is not UTF-8 text near here; save the file as UTF-8")


def _json_row(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line, parse_float=Number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "not a value we can hold"
        return Row(number, {}, fault(path, number, f"row {number} is not JSON: {reason}"))
    if not isinstance(row, dict):
        return Row(number, {}, fault(path, number, f"row {number} is not a JSON object {{...}}"))
    for name, value in row.items():
        if value == "" and isinstance(value, str):
            row[name] = Hole(name, "is empty")
    return Row(number, row)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def fault(path: Path, line: int, message: str, hint: str = "") -> Problem:
    """A problem with a row of a table."""
    return Problem(
        file=str(path),
        line=line,
        column=1 if line else 0,
        path="",
        message=message,
        hint=hint,
        table=path.name,
        row=line,
    )


def stop(path: Path, line: int, message: str, hint: str = "") -> NoReturn:
    """Raise the problem that ends the reading of a table."""
    raise ProblemsError([fault(path, line, message, hint=hint)])
