"""What a month will come to, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.cli.rendering.words import count, rfc3339, safe, table, usd
from orchestrator.core.budget import day_of
from orchestrator.core.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.store.views.money.forecasts import MonthForecast

BASIS = {
    "ticks": "last ticks of its schedule",
    "days": "last 7 days' rate",
    "not enough history": "not enough history",
}
SHOWN_MAX = 8


def forecast_text(forecasts: Sequence[MonthForecast], timezone: str) -> str:
    """A line for each scope that something is known of; empty where nothing is."""
    told = [each for each in forecasts if each.found.queued or each.found.p50 is not None]
    if not told:
        return ""
    header = [f"forecast {told[0].month}", "committed", "queued", "P50", "P90", "by", "cap reached on"]
    rows = [_line(each, timezone) for each in told[:SHOWN_MAX]]
    shown = table(header, rows, right=frozenset({1, 2, 3, 4}))
    if len(told) > SHOWN_MAX:
        shown += f"\nand {count(len(told) - SHOWN_MAX, 'more campaign')} (--json shows them)"
    return shown


def month_line(each: MonthForecast) -> str:
    """One scope's in a sentence, for what has likely more to come."""
    found = each.found
    name = "account" if each.scope == "account" else f"{each.scope} {each.name}"
    likely = (
        "" if found.p50 is None or found.p90 is None else f"likely {usd(found.p50)}, P90 {usd(found.p90)}"
    )
    cap = "" if each.cap_micros is None else f" of {usd(each.cap_micros)}"
    return safe(f"{each.month} of {name}: {likely}{cap} with these jobs (by the {BASIS[found.basis]})")


def _line(each: MonthForecast, timezone: str) -> list[str]:
    found = each.found
    return [
        safe(each.name if each.scope == "account" else f"{each.scope} {each.name}", 40),
        usd(found.committed),
        usd(found.queued),
        *("" if micros is None else usd(micros) for micros in (found.p50, found.p90)),
        BASIS[found.basis],
        _reached(each, timezone),
    ]


def _reached(each: MonthForecast, timezone: str) -> str:
    parts = [
        f"{day_of(at, timezone)}{words}"
        for at, words in ((each.found.cap_reached_at, " (month cap)"), (each.total_reached_at, " (cap)"))
        if at is not None
    ]
    return ", ".join(parts)


def forecast_document(each: MonthForecast) -> dict[str, Any]:
    """One scope's."""
    found = each.found
    return {
        "scope": each.scope.value,
        "name": each.name,
        "month": each.month,
        "committed_usd": format_usd(found.committed),
        "queued_usd": format_usd(found.queued),
        "p50_usd": None if found.p50 is None else format_usd(found.p50),
        "p90_usd": None if found.p90 is None else format_usd(found.p90),
        "basis": found.basis,
        "month_cap_usd": None if each.cap_micros is None else format_usd(each.cap_micros),
        "month_cap_reached_at": rfc3339(found.cap_reached_at),
        "total_cap_usd": None if each.total_cap_micros is None else format_usd(each.total_cap_micros),
        "total_cap_reached_at": rfc3339(each.total_reached_at),
    }
