"""How what is stopped, and what needs attention, reads in one line."""

from datetime import UTC, datetime

from orchestrator.cli.rendering.words import duration, safe
from orchestrator.store.stops.attention import ATTENTION
from orchestrator.store.stops.stops import RATE, Stoppage


def mark(stop: Stoppage) -> str:
    """The word before it: attention where nothing is stopped, and something does not go on as it should."""
    if stop.reason in ATTENTION:
        return "attention"
    return "waiting" if stop.reason == RATE else "stopped"


def line(stop: Stoppage) -> str:
    """What it is about, why, and when the next try is, by the clock."""
    again = f"; next try {moment(stop.until)}" if stop.reason in ATTENTION and stop.until else ""
    return f"{safe(stop.subject)}: {stop.reason}: {safe(stop.message)}{again}"


def lasting(stop: Stoppage, now: int) -> str:
    """The same with for how long it has lasted, and when it ends or is tried again."""
    since = duration(max(0, now - stop.since) / 1000)
    until = f", until {duration(max(0, stop.until - now) / 1000)} from now" if stop.until else ""
    if stop.reason in ATTENTION:
        return f"{line(stop)} (for {since})"
    return f"{line(stop)} (for {since}{until})"


def moment(epoch_ms: int) -> str:
    """The time of day, such as `14:02:10Z`."""
    return f"{datetime.fromtimestamp(epoch_ms / 1000, tz=UTC):%H:%M:%S}Z"
