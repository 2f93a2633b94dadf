"""How many pictures were accepted and what each cost, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orchestrator.cli.rendering.words import percent, safe, table, unit_price, usd
from orchestrator.core.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.store.choosing.acceptance import Acceptance, AcceptedBy

SHOWN_MAX: Final = 12
VALUE_COLUMNS: Final = 48


def acceptance_line(run: str, found: Acceptance) -> str:
    """`accepted  sale/hero/main: 41 of 58 judged (70 %), $0.052 an accepted picture`."""
    judged = found.accepted + found.rejected
    if not judged:
        return f"accepted  {safe(run)}: nothing is judged any more"
    each = f", {_each(found)} an accepted picture" if found.picture_micros is not None else ""
    return (
        f"accepted  {safe(run)}: {found.accepted:,} of {judged:,} judged "
        f"({percent(found.accepted, judged)}){each}"
    )


def breakdown_text(rows: Sequence[AcceptedBy]) -> str:
    """A table of what cost most."""
    if not rows:
        return "Nothing is judged yet by that."
    header = ["by", "value", "accepted", "rejected", "spent", "an accepted picture"]
    shown = [
        [
            safe(row.kind if row.kind == "prompt" else f"{row.kind} {row.name}", 24),
            safe(row.value, VALUE_COLUMNS),
            f"{row.found.accepted:,}",
            f"{row.found.rejected:,}",
            usd(row.found.spent_micros),
            _each(row.found),
        ]
        for row in rows[:SHOWN_MAX]
    ]
    more = f"\nand {len(rows) - SHOWN_MAX:,} more (see --json)" if len(rows) > SHOWN_MAX else ""
    return table(header, shown, right=frozenset({2, 3, 4, 5})) + more


def _each(found: Acceptance) -> str:
    return "" if found.picture_micros is None else unit_price(found.picture_micros)


def acceptance_document(found: Acceptance) -> dict[str, Any]:
    """Verdicts, and what an accepted picture cost with all that was spent."""
    each = found.picture_micros
    return {
        "accepted": found.accepted,
        "rejected": found.rejected,
        "rate": None if found.rate is None else round(found.rate, 4),
        "spent_usd": format_usd(found.spent_micros),
        "cost_per_accepted_usd": None if each is None else format_usd(each),
    }


def breakdown_document(rows: Sequence[AcceptedBy]) -> list[dict[str, Any]]:
    """The same for each value of an axis, tag or prompt."""
    return [
        {"by": row.kind, "name": row.name, "value": row.value, **acceptance_document(row.found)}
        for row in rows
    ]
