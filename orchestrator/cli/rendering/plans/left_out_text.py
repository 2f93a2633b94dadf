"""Rows of tables that a manifest leaves out, in words and as JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from orchestrator.cli.rendering.words import count, safe

if TYPE_CHECKING:  # a listing need not load what expands manifests
    from collections.abc import Sequence

    from orchestrator.cli.rendering.documents import Json
    from orchestrator.manifest.bad_rows import LeftOut

_ROWS_SHOWN: Final = 3
_REASONS_SHOWN: Final = 4
_LISTED_MAX: Final = 10_000


def left_out_lines(tables: Sequence[LeftOut]) -> list[str]:
    """A line for each table and kind of reason: how many rows, and the first of them."""
    lines: list[str] = []
    for table in tables:
        kinds: dict[str, dict[int, str]] = {}
        for row in table.skipped:
            kinds.setdefault(_kind(row.reason), {})[row.number] = row.reason
        if table.blank:
            kinds["without any value"] = dict.fromkeys(table.blank, "without any value")
        shown = len(kinds) if len(kinds) == _REASONS_SHOWN + 1 else _REASONS_SHOWN
        lines += [
            f"{count(len(reasons), 'row')} of {safe(table.table)}: {_told(reasons)}"
            for reasons in list(kinds.values())[:shown]
        ]
        if len(kinds) > shown:
            rest = sum(len(reasons) for reasons in list(kinds.values())[shown:])
            lines.append(f"{count(rest, 'row')} of {safe(table.table)} for other reasons (see --json)")
    return [f"{'Left out' if at == 0 else '        '}    {line}" for at, line in enumerate(lines)]


def left_out_document(tables: Sequence[LeftOut]) -> Json:
    """Every row with its reason (ten thousand at most), and the numbers of those without a value."""
    return {
        "skipped_rows": [
            {"table": table.table, "row": row.number, "reason": row.reason}
            for table in tables
            for row in table.skipped
        ][:_LISTED_MAX],
        "blank_rows": sum(len(table.blank) for table in tables),
    }


def _kind(reason: str) -> str:
    """A reason without the name and the number that differ from row to row."""
    return re.sub(r'".*"|\d+', "", reason)


def _told(reasons: dict[int, str]) -> str:
    """What the rows of one kind have: the reason itself where all share it, else that of the first."""
    (number, first), *others = reasons.items()
    if all(reason == first for _, reason in others):
        return f"{safe(first)} ({_rows(list(reasons))})"
    return f"{safe(first)} (row {number:,}); likewise {_rows([row for row, _ in others])}"


def _rows(numbers: list[int]) -> str:
    shown = ", ".join(f"{number:,}" for number in numbers[:_ROWS_SHOWN])
    more = f" and {len(numbers) - _ROWS_SHOWN:,} more" if len(numbers) > _ROWS_SHOWN else ""
    return f"{'row' if len(numbers) == 1 else 'rows'} {shown}{more}"
