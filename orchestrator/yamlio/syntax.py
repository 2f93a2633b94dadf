"""The parser's complaints in the words of somebody who writes manifests."""

import re
from typing import Final

import yaml

from orchestrator.yamlio.problems import Problem

_BARE_TEMPLATE: Final = re.compile(r"(?:^|[:\-\[,])\s*\{\{")
_CUT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KNOWN: Final = (
    (
        "mapping values are not allowed",
        (
            "text with a colon and a space must stand in quotes",
            'write "..." around the text, or use a block (key: >-)',
        ),
    ),
    (
        "alias",
        (
            'a word that starts with "*" refers to an anchor, and there is none of that name',
            'quote text that starts with "*"',
        ),
    ),
    (
        "another document",
        ("a second document begins here (---); a file holds one", "put it into a file of its own"),
    ),
    (
        "did not find expected key",
        (
            "this line is not indented like the lines of its block",
            "give keys of one block the same number of spaces in front",
        ),
    ),
    (
        "did not find expected '-' indicator",
        (
            "an item of a list is expected here, with a dash in front",
            'write "- " in front, as far in as above',
        ),
    ),
    (
        "did not find expected ',' or",
        ("a comma or the closing bracket is missing", "is a [...] or {...} closed on the line above?"),
    ),
    (
        "found unexpected end of stream",
        ("a quote is opened and never closed", "close it, or double it inside"),
    ),
    ("could not find expected ':'", ("a colon is missing after a key", 'write "key: value"')),
    (
        "block sequence entries are not allowed",
        ("a list cannot begin on this line", "begin it on a line of its own"),
    ),
    (
        "found unknown escape character",
        (
            "\\ in double quotes begins an escape, and there is none like this",
            "use single quotes, or write \\\\",
        ),
    ),
    (
        "did not find expected <document start>",
        ("this line does not belong to what stands above", "is it indented like the lines above?"),
    ),
)
QUOTE_TEMPLATE: Final = 'a value with a template must stand in quotes: "{{ name }}"'


def explain(error: yaml.YAMLError, text: str, file: str, lines: list[str]) -> Problem:
    """The problem behind a parser error: what is wrong at which position, and how to mend it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unmarked(error=error, text=text, file=file, lines=lines)
    line, column = mark.line, mark.column
    message, hint = _words(error=error, lines=lines, line=line, column=column)
    if message == QUOTE_TEMPLATE:
        line, column = _template_position(lines, line)
    return Problem(
        file=file,
        line=line + 1,
        column=column + 1,
        path="",
        message=message,
        hint=hint,
        source=_line(lines, line),
    )


def _words(error: yaml.YAMLError, lines: list[str], line: int, column: int) -> tuple[str, str]:
    problem = str(getattr(error, "problem", "") or "cannot be read as YAML")
    context = str(getattr(error, "context", "") or "")
    source = _line(lines, line) or ""
    if "another document" in problem or "another document" in context:
        return _KNOWN[2][1]
    if any(_BARE_TEMPLATE.search(_line(lines, at) or "") for at in {line, max(0, line - 1)}):
        return QUOTE_TEMPLATE, ""
    if "\t" in source[: column + 1]:
        return "a tab is used for indentation; YAML allows spaces only", "replace the tab by spaces"
    if "cannot start any token" in problem:
        first = source[column : column + 1]
        return f'text that starts with "{first}" must stand in quotes', 'write "..." around the text'
    for fragment, words in _KNOWN:
        if fragment in problem or fragment in context:
            return words
    return "this is not YAML", f"the parser says: {problem}"


def _template_position(lines: list[str], line: int) -> tuple[int, int]:
    for at in (line, max(0, line - 1)):
        found = (_line(lines, at) or "").find("{{")
        if found >= 0:
            return at, found
    return line, 0


def _unmarked(error: yaml.YAMLError, text: str, file: str, lines: list[str]) -> Problem:
    if found := _CUT.search(text):
        before = text[: found.start()]
        line = before.count("\n")
        column = found.start() - (before.rfind("\n") + 1)
        message = f"holds the control character \\x{ord(found.group()):02x}; remove it"
        return Problem(
            file=file, line=line + 1, column=column + 1, path="", message=message, source=_line(lines, line)
        )
    reason = str(getattr(error, "reason", "") or "cannot be read as YAML")
    return Problem(file=file, line=0, column=0, path="", message=f"not YAML: {reason}")


def _line(lines: list[str], number: int) -> str | None:
    return lines[number] if 0 <= number < len(lines) else None
