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
_QUOTE: Final = 'write "..." around the text'
_SECOND_DOCUMENT: Final = (
    "a second document begins here (---); a file holds one",
    "put it into a file of its own",
)
_TOO_FAR_IN: Final = (
    "this line is further in than the one above, which has its value already",
    "give keys of one block the same number of spaces in front",
)
QUOTE_TEMPLATE: Final = 'a value with a template must stand in quotes: "{{ name }}"'


_BEGUN_BEFORE: Final = ("found unexpected end of stream", "could not find expected ':'")
"""What the parser notices at the end of what it is about; where that begins says more."""

_KEY: Final = re.compile(r"\s+[\w'\"-]+\s*:(?:\s|\Z)")


def explain(error: yaml.YAMLError, text: str, file: str, lines: list[str]) -> Problem:
    """The problem behind a parser error: what is wrong at which position, and how to mend it."""
    begun = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or begun
    if begun is not None and any(words in str(getattr(error, "problem", "")) for words in _BEGUN_BEFORE):
        mark = begun
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
    if "another document" in f"{problem} {context}":
        return _SECOND_DOCUMENT
    if any(_BARE_TEMPLATE.search(_line(lines, at) or "") for at in {line, max(0, line - 1)}):
        return QUOTE_TEMPLATE, ""
    found = _by_the_line(problem, lines, line, column=column)
    if found is None and "cannot start any token" in problem:
        found = f'text that starts with "{source[column : column + 1]}" must stand in quotes', _QUOTE
    known = (words for fragment, words in _KNOWN if fragment in problem or fragment in context)
    return found or next(known, None) or ("this is not YAML", f"the parser says: {problem}")


def _by_the_line(problem: str, lines: list[str], line: int, *, column: int) -> tuple[str, str] | None:
    """What the line itself tells, whatever the parser calls it."""
    before = (_line(lines, line) or "")[: column + 1]
    if "\t" in before:
        return "a tab is used for indentation; YAML allows spaces only", "replace the tab by spaces"
    if "mapping values are not allowed" in problem and _too_far_in(lines, line, column):
        return _TOO_FAR_IN
    if "did not find expected key" in problem and before[:column].rstrip()[-1:] in {"'", '"'}:
        return "there is text after the quote that closes a value", "put all of it into the quotes"
    return None


def _too_far_in(lines: list[str], line: int, column: int) -> bool:
    """Whether a key stands below one that has its value, but further in."""
    source = _line(lines, line) or ""
    above = next((text for text in reversed(lines[:line]) if text.strip()), "")
    deeper = len(above) - len(above.lstrip()) < len(source) - len(source.lstrip())
    return deeper and bool(_KEY.match(source)) and source.find(":") == column and not above.endswith(":")


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
