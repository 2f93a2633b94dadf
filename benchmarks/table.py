"""Markdown tables, and whether a target was met."""

from collections.abc import Iterable, Sequence


def at_least(ratio: float, target: float) -> str:
    """A ratio that should not be smaller."""
    return f"{ratio:.2f} (target >= {target:g}: {'met' if ratio >= target else 'missed'})"


def at_most(ratio: float, target: float, unit: str = "") -> str:
    """A figure that should not be larger."""
    shown = f"{ratio:.3g}{unit}" if unit else f"{ratio:.2f}"
    return f"{shown} (target <= {target:g}{unit}: {'met' if ratio <= target else 'missed'})"


def show(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: the first column is words, the rest are figures."""
    print("| " + " | ".join(heads) + " |", flush=True)
    print("|---|" + "--:|" * (len(heads) - 1))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)
