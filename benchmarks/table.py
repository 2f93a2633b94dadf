"""Markdown tables, and whether a target was met."""

from collections.abc import Iterable, Sequence


def at_least(ratio: float, target: float) -> str:
    """A ratio that should not be smaller."""
    return f"{ratio:.2f} (target >= {target:g}: {'met' if ratio >= target else 'missed'})"


def at_most(ratio: float, target: float, unit: str = "") -> str:
    """A figure that should not be larger."""
    shown = f"{ratio:.3g}{unit}" if unit else f"{ratio:.2f}"
    return f"{shown} (target <= {target:g}{unit}: {'met' if ratio <= target else 'missed'})"


def ahead(rate: float, cpu: float) -> str:
    """How many times the rate, and how many times less processor time; both should be above one."""
    met = "met" if min(rate, cpu) > 1 else "missed"
    return f"{rate:.2f} x the jobs/s, CPU {cpu:.2f} x less: {met}"


def show(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: the first column is words, the rest are figures."""
    print("| " + " | ".join(heads) + " |", flush=True)
    print("|---|" + "--:|" * (len(heads) - 1))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)
