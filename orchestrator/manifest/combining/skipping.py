"""Which rows of a table are left out on purpose: `skip` and `where` of a source."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from orchestrator.catalogue import is_url
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.tables.nearest_files import same_but_for_unicode
from orchestrator.manifest.tables.tables import Row, Table
from orchestrator.manifest.templating.expressions import Expression, parse
from orchestrator.manifest.templating.template_problems import Hole, TemplateProblem
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio import Node, Problem, ProblemsError, TableCell
from orchestrator.yamlio.shapes import Reading

WORDS: Final = "row numbers, `empty COLUMN` and `missing file COLUMN`"
ROW: Final = "row"
"""In `where`: the whole row, for columns that are no plain names: `row['Artikel-Nr.']`."""

_RULE: Final = re.compile(r"(empty|missing\s+file)\s+(.+)", re.DOTALL)

Finder = Callable[[Mapping[str, Any]], str | None]
"""Says which picture of a row is not there; None when all are."""


class Rule(NamedTuple):
    """One entry of `skip` about a column."""

    node: Node
    missing_file: bool
    column: str


class RowRules:
    """What `skip` and `where` of one source say. Pictures are known later than tables: see `find_files`."""

    def __init__(self, table: Table, reading: Reading) -> None:
        self.numbers: dict[int, Node] = {}
        self.rules: list[Rule] = []
        self.finders: dict[str, Finder] = {}
        self._where: tuple[Node, Expression] | None = None
        self._table = table
        self._reading = reading

    def read(self, skip: Node | None, where: Node | None) -> None:
        """Read both; what is wrong is reported."""
        if skip is not None:
            nodes = list(skip.children.values()) if isinstance(skip.value, list) else [skip]
            for node in nodes:
                self._read_rule(node)
        if where is not None:
            self._read_where(where)

    def reason(self, row: Row) -> str | None:
        """Why a row is left out; None when it stays."""
        if row.number in self.numbers:
            return "left out by its number"
        if row.fault is not None or not row.values:
            return None
        for rule in self.rules:
            value = row.values.get(rule.column)
            if value is None or (isinstance(value, Hole) and not value):
                return f"column {rule.column} is empty"
            if rule.missing_file and (found := self._missing(rule, row)):
                return found
        if self._where is not None and not self._holds(row):
            return "does not meet `where`"
        return None

    def unmet(self, seen: Sequence[int]) -> None:
        """Report the row numbers that are not in the table; `seen` are those that were left out."""
        for number, node in self.numbers.items():
            if number not in seen:
                self._reading.wrong(node.path, f"there is no row {number} in {self._table.path.name}")

    def _read_rule(self, node: Node) -> None:
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            self.numbers[value] = node
            return
        match = _RULE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            self._reading.expected(node, f"rows to leave out: {WORDS}")
        elif self._knows(node, column := match[2].strip()):
            self.rules.append(Rule(node, match[1] != "empty", column))

    def _knows(self, node: Node, column: str) -> bool:
        columns = self._table.columns
        if columns is None or column in columns:
            return True
        message = f'{self._table.path.name} has no column "{column}"; columns: {listed(columns)}'
        self._reading.wrong(node.path, message, did_you_mean(column, columns))
        return False

    def _read_where(self, node: Node) -> None:
        if not isinstance(node.value, str) or not node.value.strip():
            self._reading.expected(node, "a condition over columns, such as \"stock != '0'\"")
            return
        text = node.value.strip()
        try:
            parts = parse(text if text.startswith("{{") else f"{{{{ {text} }}}}")
        except TemplateProblem as error:
            self._reading.wrong(node.path, error.message, error.hint)
            return
        if len(parts) != 1 or isinstance(parts[0], str):
            self._reading.expected(node, "one condition over columns, such as \"stock != '0'\"")
            return
        expression, columns = parts[0], self._table.columns
        if columns is not None:
            needed = [name for name in expression.required_names() if name != ROW]
            needed += [column for name, column in expression.columns() if name == ROW]
            known = [self._knows(node, column) for column in dict.fromkeys(needed)]  # says all of them
            if not all(known):
                return
        self._where = (node, expression)

    def _holds(self, row: Row) -> bool:
        assert self._where is not None
        node, expression = self._where
        try:
            return bool(expression.value({**row.values, ROW: row.values}))
        except TemplateProblem as error:
            hint = error.hint
            if "not supported between" in error.message:
                hint = "cells are text: write `stock | number > 0` to compare numbers"
            raise ProblemsError([self._problem(node, row, error.message, hint=hint)]) from None

    def _missing(self, rule: Rule, row: Row) -> str | None:
        find = self.finders.get(rule.column)
        try:
            return find(row.values) if find else None
        except TemplateProblem as error:
            raise ProblemsError([self._problem(rule.node, row, error.message, hint=error.hint)]) from None

    def _problem(self, node: Node, row: Row, message: str, *, hint: str) -> Problem:
        name = self._table.path.name
        return self._reading.document.problem(
            node.path, message, hint, notes=(f"in {name} row {row.number}",), cell=TableCell(name, row.number)
        )


def find_files(
    rules: RowRules,
    *,
    axis: str,
    templates: Sequence[Template],
    constants: Mapping[str, Any],
    folder: Path,
    reading: Reading,
) -> None:
    """Let every `missing file COLUMN` know the pictures that `images` makes from its column."""
    for rule in rules.rules:
        if not rule.missing_file:
            continue
        mine = [
            template
            for template in templates
            if any((axis, rule.column) in expression.columns() for expression in template.expressions)
        ]
        if not mine:
            message = f"no picture of `images` is named by {axis}['{rule.column}']"
            reading.wrong(rule.node.path, message, "name the column that `images` uses")
            continue
        others = {name for template in mine for name in template.names} - constants.keys() - {axis}
        if others:
            message = f"the picture that the column names depends on {listed(sorted(others))} too"
            reading.wrong(rule.node.path, message, "use `exclude`, or --skip-bad-rows")
            continue
        rules.finders[rule.column] = _finder(mine, axis, constants=constants, folder=folder)


def _finder(
    templates: Sequence[Template], axis: str, *, constants: Mapping[str, Any], folder: Path
) -> Finder:
    def find(values: Mapping[str, Any]) -> str | None:
        for template in templates:
            text = template.text({**constants, axis: values})
            if is_url(text) or "\x00" in text:
                continue
            path = folder / text
            if not path.is_file() and same_but_for_unicode(path) is None:
                return f'there is no file "{text}"'
        return None

    return find
